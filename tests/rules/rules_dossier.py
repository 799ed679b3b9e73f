"""Dossiers made of told stories, on the pure core."""

import hashlib
from collections.abc import Iterator
from typing import Any, Final

from rules_story import CONSENT, ORGS, Story

from domain.statements.brief import Brief, Content, Exhibit, Statement
from domain.statements.compose import TEMPLATE, compose
from store.codec import encode

LENDING: Final = {
    **CONSENT,
    "consent_id": "k2",
    "recipients": ["center", "lender"],
    "purposes": ["lending_evaluation"],
}
BANKS: Final = ("jfs-fukuoka", "jfs-saga")


def brief_of(case: Story, lender_id: str = "lender", **changes: Any) -> Brief:
    """The brief of the first version of a dossier of *case* as it stands, under its newest consent to lending."""
    consent = next(one for one in reversed(case.state.consents.values()) if "lending_evaluation" in one.purposes)
    exhibits = tuple(
        Exhibit(event=one, leaf_index=place, leaf_hash=hashlib.sha256(b"\0" + encode(one)).hexdigest())
        for place, one in enumerate(case.events)
    )
    known = {
        "template": TEMPLATE,
        "dossier_id": "d1",
        "version": 1,
        "case": case.state,
        "case_name": case.state.case_id,
        "exhibits": exhibits,
        "consent": consent,
        "lender_id": lender_id,
        "lending_context": "new_loan",
        "issued_at": case.now,
        "names": {one.org_id: one.name for one in ORGS.values() if one.org_id not in BANKS or one.org_id == lender_id},
    }
    return Brief(**{**known, **changes})


def dossier_of(case: Story, lender_id: str = "lender", **changes: Any) -> Content:
    """What a dossier of *case* says."""
    return compose(brief_of(case, lender_id, **changes))


def lines(content: Content, section: str | None = None) -> Iterator[Statement]:
    """The lines of one section, or of all."""
    for one in content.sections:
        if section in (None, one.section):
            yield from one.lines


def said(content: Content, section: str | None = None) -> str:
    """All that is said, in both languages."""
    return "\n".join(f"{one.statement_ja}\n{one.statement_en}" for one in lines(content, section))
