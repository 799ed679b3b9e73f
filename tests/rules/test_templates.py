"""What a released template made of a case it makes in any year, from the kept bytes of the events alone."""

import json
from pathlib import Path
from typing import Any

import pytest
from golden_dossier import FOLDER

from domain.canonical import canonical
from domain.case import fold
from domain.statements.brief import Brief, Exhibit
from domain.statements.compose import TEMPLATE
from dossier.document import document_of, leaf_hash
from store.codec import decode


def brief_in(folder: Path) -> Brief:
    """The brief kept in *folder*."""
    frame: dict[str, Any] = json.loads((folder / "frame.json").read_bytes())
    bodies = (folder / "events.jsonl").read_bytes().splitlines()
    events = [decode(one) for one in bodies]
    case = fold(events)
    assert case is not None
    exhibits = tuple(
        Exhibit(event=event, leaf_index=place, leaf_hash=leaf_hash(body))
        for place, (event, body) in enumerate(zip(events, bodies, strict=True))
    )
    consent = case.consents[frame.pop("consent_id")]
    return Brief(case=case, exhibits=exhibits, consent=consent, **frame)


@pytest.mark.parametrize("folder", sorted(FOLDER.glob("template-*")), ids=lambda one: one.name)
def test_a_released_template_says_what_it_said(folder: Path) -> None:
    assert canonical(document_of(brief_in(folder))[1]) == (folder / "dossier.json").read_bytes()


def test_every_template_has_its_golden() -> None:
    assert {one.name for one in FOLDER.glob("template-*")} == {f"template-{one}" for one in range(1, TEMPLATE + 1)}
