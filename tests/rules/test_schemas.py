"""Released shapes of events stay readable: by receivers, and by this code for as long as the cases live."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from released import FOLDER, as_text, breaks, file_of, shape_of
from rules_story import Story

from domain.canonical import canonical
from domain.case import UnknownEvent, event_type
from domain.envelope import EventData
from domain.law import FACTS
from domain.records import Key, Line
from domain.streams import fold
from domain.upcasting import Upcasters, upcast
from store.codec import decode, encode


@pytest.mark.parametrize("name", sorted(FACTS))
def test_a_released_event_keeps_its_shape(name: str) -> None:
    path = FOLDER / file_of(name)
    assert path.is_file(), f"{name} has a shape that was never written down: make schemas"
    kept = json.loads(path.read_text("utf-8"))
    assert list(breaks(kept, shape_of(name))) == []
    assert path.read_text("utf-8") == as_text(shape_of(name)), f"{name} is compatibly wider: make schemas"


def test_nothing_released_is_forgotten() -> None:
    known = {f"{name}.v{version}.json" for name, fact in FACTS.items() for version in fact.versions}
    assert {one.name for one in FOLDER.iterdir()} <= known | {file_of(name) for name in FACTS}


def changed(change: Any) -> list[str]:
    old = shape_of("VisitReportFiled")
    new = deepcopy(old)
    change(new)
    return list(breaks(old, new))


def test_an_optional_field_may_come() -> None:
    assert changed(lambda new: new["properties"].update(mood={"type": "string"})) == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda new: new["properties"].pop("findings"), "gone"),
        (lambda new: (new["properties"].update(mood={}), new["required"].append("mood")), "default"),
        (lambda new: new["properties"].update(version={"type": "string"}), "another shape"),
        (lambda new: new["$defs"]["Feasibility"]["enum"].remove("unclear"), "unclear"),
    ],
)
def test_a_breaking_change_is_told_with_its_cure(change: Any, word: str) -> None:
    [fault] = changed(change)
    assert word in fault
    assert "domain/upcasting.py" in fault


class SeedRetired(EventData):
    """A third generation of an event."""

    schema_version = 3
    seed_id: Key
    cause: Line
    by: Line


UPCASTERS: Upcasters = {
    ("SeedRetired", 1): lambda data: {**data, "cause": "unknown"},
    ("SeedRetired", 2): lambda data: {"seed_id": data["seed_id"], "cause": data["cause"].lower(), "by": "owner"},
}
GENERATIONS = (
    (1, {"seed_id": "s"}),
    (2, {"seed_id": "s", "cause": "Unknown"}),
    (3, {"seed_id": "s", "cause": "unknown", "by": "owner"}),
)


def test_three_generations_of_an_event_become_one() -> None:
    read = [upcast("SeedRetired", version, data, UPCASTERS) for version, data in GENERATIONS]
    assert read == [(GENERATIONS[2][1], 3)] * 3


def test_three_generations_of_an_event_fold_to_the_same_state(monkeypatch: pytest.MonkeyPatch) -> None:
    fact = FACTS["SeedRetired"]
    monkeypatch.setitem(
        FACTS, "SeedRetired", type(fact)(fact.name, SeedRetired, fact.evolve, fact.bank, "seed", {3: SeedRetired})
    )
    states = []
    for version, data in GENERATIONS:
        events = [
            kept(1, "SeedPublished", 1, {"seed_id": "s", "title": "ガラス"}),
            kept(2, "SeedRetired", version, data),
        ]
        states.append(fold([decode(one, event_type, UPCASTERS) for one in events]))
    assert states[0] == states[1] == states[2]
    assert states[0] is not None


def kept(version: int, kind: str, schema_version: int, data: dict[str, Any]) -> bytes:
    """An event as some release wrote it."""
    now = datetime(2026, 4, 1, tzinfo=UTC)
    return canonical(
        {
            "event_id": f"019d4000-0000-7000-8000-00000000000{version}",
            "stream": "seed-s",
            "version": version,
            "type": kind,
            "schema_version": schema_version,
            "occurred_at": now,
            "recorded_at": now,
            "actor": {"role": "university_liaison", "org_id": "kyudai", "person": "ueno"},
            "command_id": "c",
            "causation_id": "c",
            "correlation_id": "s",
            "fiscal_year": 2026,
            "data": data,
        }
    )


def test_an_unknown_event_stops_the_fold() -> None:
    for kind, version in (("SeedDreamtOf", 1), ("SeedRetired", 9)):
        with pytest.raises(UnknownEvent, match=kind):
            decode(kept(1, kind, version, {"seed_id": "s"}))


def test_every_event_of_a_story_is_kept_and_read_as_it_was() -> None:
    for event in Story().licensed().events:
        assert decode(encode(event)) == event
