"""The table of what may be done at which stage, as docs/stage-table.md: `python tests/rules/stage_table.py` writes it.

One case stands at each stage; each command's example, its ids those of the case, is given by who may give it first.
"""

import sys
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from rules_story import ACTORS, CONSENT, SIGNING, VISIT, Story  # noqa: E402

from domain.law import RULES, Rule  # noqa: E402
from domain.reasons import CATALOGUE, ReasonKind  # noqa: E402
from domain.terms import Role, Stage  # noqa: E402

PAPER: Final = ROOT / "docs" / "stage-table.md"
_CONSENT: Final = {**CONSENT, "recipients": ["center", "universities", "experts"]}


def _assignment() -> Story:
    story = Story().offered(consent=_CONSENT).must("hayashi", "AcceptAssignment", {"assignment_id": "a1"})
    return story.must("hayashi", "DeclareInterests", {"assignment_id": "a1", "interests": []})


def _visit() -> Story:
    story = Story().reported(consent=_CONSENT)
    return story.must("tanaka", "ScheduleVisit", {**VISIT, "visit_id": "v2", "at": "2026-05-05T13:00:00+09:00"})


def _consultation() -> Story:
    story = Story().report_confirmed(consent=_CONSENT).at(50)
    return story.must("ueno", "StartConsultation", {"consultation_id": "k1", "kind": "academic_guidance"})


def _research() -> Story:
    story = Story().in_research(consent=_CONSENT)
    return story.must("hayashi", "PlanMilestone", {"milestone_id": "m1", "title": "密度", "due_on": "2027-02-25"})


def _transfer() -> Story:
    story = Story().licensed(consent=_CONSENT).must("ueno", "RecordFiling", {"invention_id": "i1", "office": "jpo"})
    return story.must("hayashi", "RequestPublicationReview", {"publication_id": "p1"})


def _commercialization() -> Story:
    return Story().licensed(consent=_CONSENT).must("arita", "ReportProduct", {"product_id": "x1", "name": "反射鏡"})


CASES: Final = {
    Stage.intake: lambda: Story().referred(consent=_CONSENT),
    Stage.review: lambda: Story().in_review(consent=_CONSENT),
    Stage.assignment: _assignment,
    Stage.visit: _visit,
    Stage.consultation: _consultation,
    Stage.agreement: lambda: Story().approved(consent=_CONSENT),
    Stage.research: _research,
    Stage.transfer: _transfer,
    Stage.commercialization: _commercialization,
}
"""One case at each stage, with work under way where the stage has any."""
HELD: Final = "held"
CLOSED: Final = "closed"

_OWN_WORDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "ApproveAgreement": {},
    "ConfirmPayment": {"amount_band": "1m_3m"},
    "RequestInformation": {"questions": ["窯の最高温度は何度ですか。"]},
    "CloseCase": {"disposition": "transferred"},
    "ConsultSpecialist": {"expert_kind": "lawyer", "expert_id": "hori", "question": "?"},
    "SignAgreement": SIGNING,
    "ReportProduct": {"name": "反射鏡"},
    "AssignBankOfficer": {"officer_id": "ono"},
    "AssignCoordinator": {"coordinator_id": "kondo"},
    "ExtendDeadline": {"timer": "silence", "to": "2029-12-25"},
    "OfferAssignment": {"researcher_id": "baba", "institution_id": "sadai", "role": "member"},
}
"""Data where the example's dates or people do not fit the cases."""
_PEOPLE: Final = {
    Role.bank_officer: "sato",
    Role.company_representative: "arita",
    Role.coordinator: "tanaka",
    Role.senior_coordinator: "mori",
    Role.researcher: "hayashi",
    Role.university_liaison: "ueno",
    Role.tlo_officer: "toda",
    Role.data_steward: "doi",
    Role.expert: "hori",
    Role.system: "system",
}


def case_rules() -> list[Rule]:
    """The rules of cases, in the order of the law."""
    return [one for one in RULES.values() if one.stream == "case"]


def giver(rule: Rule) -> str:
    """The person of the first role that may give the command, in the order of `Role`."""
    return next(_PEOPLE[role] for role in Role if role in rule.by and role in _PEOPLE)


def _reason(rule: Rule) -> Mapping[str, str]:
    if isinstance(rule.reason, ReasonKind):
        return {"reason": next(iter(CATALOGUE[rule.reason]))}
    return {"reason": "other"} if rule.reason else {}


def _data(story: Story, rule: Rule) -> Mapping[str, Any]:
    if rule.name == "CorrectEvent":
        return {"corrects_event_id": story.events[0].event_id, "right_value": {"note": "x"}}
    example: Mapping[str, Any] = rule.data.example  # type: ignore[attr-defined]
    return _OWN_WORDS.get(rule.name, example)


def answer(story: Story, rule: Rule) -> str:
    """What *story* answers to the command's example: a code or a sign that the table explains."""
    other = copy(story)
    other.events = list(story.events)
    said = other.says(giver(rule), rule.name, _data(other, rule), evidence=("doc_evidence",), **_reason(rule))
    if isinstance(said, str):
        return f"`{said}`"
    if said == ["DecisionProposed"]:
        return "✓ ²"
    return "✓" if said else "–"


def columns() -> dict[str, Story]:
    """The cases of the table, by the title of their column."""
    cases = {stage.value: make() for stage, make in CASES.items()}
    cases[HELD] = CASES[Stage.review]().must("tanaka", "HoldCase", reason="other")
    cases[CLOSED] = CASES[Stage.transfer]().must("tanaka", "CloseCase", {"disposition": "transferred"})
    return cases


def table() -> str:
    """The paper."""
    cases = columns()
    lines = [
        "# What may be done at which stage",
        "",
        "Generated by `python tests/rules/stage_table.py`; a test compares it with the law.",
        "One case stands at each stage, one is held in review, one is closed after a transfer.",
        "Each command's example is given by the first role that may give it.",
        "✓ is accepted, ✓ ² is proposed for a second person to confirm, – is accepted without effect.",
        "A code is the refusal; another case of the same stage may answer otherwise.",
        "",
        f"| command | by | {' | '.join(cases)} |",
        f"|---|---|{'---|' * len(cases)}",
    ]
    for rule in sorted(case_rules(), key=lambda one: one.name):
        answers = " | ".join(answer(story, rule) for story in cases.values())
        lines.append(f"| {rule.name} | {ACTORS[giver(rule)].role} | {answers} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAPER.write_text(table(), encoding="utf-8")
    print(PAPER.relative_to(ROOT))
