"""Who read the record of a case, where reading itself is on record: lenders and auditors (`domain.md` 6a, 6b)."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, ClassVar

from domain.consents import lending_consent
from domain.envelope import CommandData, Event, EventData
from domain.law import Ask, decides, evolves, refuse, require
from domain.records import Key
from domain.state import Case
from domain.terms import Role


class RecordKind(StrEnum):
    """What of a case was read."""

    case = "case"
    events = "events"
    feed = "feed"
    documents = "documents"


class RecordViewed(EventData):
    """A lender or an auditor read the record."""

    what: RecordKind
    reader_role: Role
    reader_id: Key
    org_id: Key
    seen_version: int
    """The version of the case that was read."""


class ViewRecord(CommandData):
    """Put on record that the record was read: an auditor's own reading, or a lender's, which the system notes."""

    example: ClassVar[Mapping[str, Any]] = {"what": "events"}
    what: RecordKind = RecordKind.events
    lender_id: Key | None = None
    reader_id: Key | None = None


@decides(ViewRecord, by={Role.auditor, Role.system}, when_closed=True, without_consent=True)
def view_record(case: Case, data: ViewRecord, ask: Ask) -> Iterable[EventData]:
    """A lender reads only while the company's consent to it holds (invariants 2, 27)."""
    read = {"what": data.what, "seen_version": case.version}
    if ask.actor.role is Role.auditor:
        return [RecordViewed(reader_role=Role.auditor, reader_id=ask.actor.person, org_id=ask.actor.org_id, **read)]
    lender = ask.directory.organizations.get(data.lender_id or "")
    if lender is None:
        refuse("invalid_field", "/data/lender_id", problem="which lender read it?")
    require(lending_consent(case, lender, ask.now), "lending_consent_required", "/data/lender_id", lender=lender.org_id)
    reader_id = data.reader_id or lender.org_id
    return [RecordViewed(reader_role=Role.lender_officer, reader_id=reader_id, org_id=lender.org_id, **read)]


@evolves(RecordViewed)
def record_viewed(case: Case, fact: RecordViewed, event: Event) -> Case:
    """Reading changes nothing."""
    return case
