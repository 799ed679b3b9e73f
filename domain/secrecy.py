"""What of an event is secret: kept under a key of its case, and gone for good once that key is destroyed.

Secret is what only those may read whom the company's consent names, and what people wrote in their own words. What
a rule, a statistic or an auditor needs stays plain: types, times, roles, ids, codes, days, bands. The title and the
public summary of a need are written to be shown (ノンコンフィデンシャル) and stay plain as well.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from domain.envelope import Reason
from domain.state import Case

ERASED: Final = "〔消去済み erased〕"
"""What stands where a text was."""
REASON_TEXT: Final = ("reason", "text")
"""Why somebody did something, in their own words: secret in every event."""

SECRET: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "NeedReferred": (("description",), ("tried_before",)),
    "NeedSupplemented": (("fields", "description"), ("fields", "tried_before")),
    "NeedInformationRequested": (("questions",),),
    "NeedTriaged": (("criteria", "*", "note"),),
    "NeedDeclined": (("advice",),),
    "SpecialistConsulted": (("question",),),
    "DuplicateSuspected": (("basis",),),
    "CompanyConsentRecorded": (("given_by",),),
    "ResearcherSearchOpened": (("query",),),
    "ResearcherShortlisted": (("candidates", "*", "reasons"),),
    "ConflictOfInterestDeclared": (("interests", "*", "company_ref"), ("interests", "*", "note")),
    "ConflictOfInterestDecided": (("conditions",),),
    "VisitScheduled": (("place",),),
    "VisitReportFiled": (("findings",), ("proposed_step",)),
    "VisitReportConfirmed": (("redactions",),),
    "AgreementSigned": (("signatories",),),
    "MilestonePlanned": (("criterion",),),
    "ProgressReported": (("summary",),),
    "ReadinessAssessed": (("basis",),),
    "DecisionProposed": (("data",),),
    "CorrectionRecorded": (("right_value",),),
    "CaseClosed": (("outcome_summary",),),
    "NoteRecorded": (("text",),),
}
"""The places of secret values in each event's data; `*` stands for every member of a list.

A place stays here for ever: events of an older shape, and what was sealed in it, are still read.
"""


def places(told: Any, path: tuple[str, ...]) -> Iterator[tuple[Any, str]]:
    """Where *path* leads in *told*: each holder with the name under which the value lies in it."""
    if not isinstance(told, dict):
        return
    name, rest = path[0], path[1:]
    if not rest:
        if told.get(name) is not None:
            yield told, name
    elif rest[0] == "*":
        for one in told.get(name) or ():
            yield from places(one, rest[1:])
    else:
        yield from places(told.get(name), rest)


def placeholder(kind: str) -> Any:
    """What stands where a value of *kind* (`text`, `list`, `map`) was."""
    return {"text": ERASED, "list": (), "map": {}}[kind]


def kind_of(value: Any) -> str:
    """The kind of a secret *value*."""
    if isinstance(value, Mapping):
        return "map"
    return "list" if isinstance(value, list | tuple) else "text"


def without_secrets(case: Case) -> Case:
    """*case* as a fold of its events gives it once their key is destroyed.

    A proposal whose words are gone cannot be decided on: it falls.
    """

    def blank(entity: Any, *names: str) -> Any:
        found = {name: getattr(entity, name) for name in names}
        told = {name: placeholder(kind_of(one)) for name, one in found.items() if one is not None}
        return entity.model_copy(update=told)

    def silent(reason: Reason | None) -> Reason | None:
        return reason.model_copy(update={"text": ERASED}) if reason and reason.text else reason

    def each(entities: Mapping[str, Any], *names: str) -> dict[str, Any]:
        return {key: blank(one, *names) for key, one in entities.items()}

    reports = {key: one.report and blank(one.report, "findings", "proposed_step") for key, one in case.visits.items()}
    confirmed = {key: one and blank(one, "redactions") for key, one in reports.items()}
    return case.but(
        need=case.need and blank(case.need, "description", "tried_before"),
        information=case.information and blank(case.information, "questions"),
        questions=tuple(blank(one, "question") for one in case.questions),
        consents=each(case.consents, "given_by"),
        assignments=each(case.assignments, "conditions"),
        visits={
            key: blank(one, "place").model_copy(update={"report": confirmed[key]}) for key, one in case.visits.items()
        },
        proposals={},
        corrections=tuple(one.model_copy(update={"right_value": ERASED}) for one in case.corrections),
        reason=silent(case.reason),
        bank_reason=silent(case.bank_reason),
    )
