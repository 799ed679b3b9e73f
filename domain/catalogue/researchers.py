"""Researchers: registered by their institution, with availability; they move and retire."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from pydantic import Field

from domain.catalogue.entry import Entry, EntryDue, begun, require_new, require_own
from domain.catalogue.seeds import renewal_due
from domain.envelope import CommandData, Event, EventData
from domain.law import Ask, decides, evolves, refuse, require
from domain.records import Code, Day, Key, Line
from domain.terms import Role

STREAM: Final = "researcher"


class ResearcherRegistered(EventData):
    """A researcher entered the catalogue; the name stays in the directory of people."""

    researcher_id: Key
    institution_id: Key
    post: Line | None = None
    field_codes: tuple[Code, ...] = ()
    languages: tuple[Code, ...] = ()


class ResearcherAvailabilityChanged(EventData):
    """The researcher has more or less room for cases."""

    researcher_id: Key
    available: bool
    until: Day | None = None
    capacity: int | None = None


class ResearcherMoved(EventData):
    """The researcher works elsewhere now."""

    researcher_id: Key
    from_institution_id: Key
    institution_id: Key


class ResearcherRetired(EventData):
    """The researcher takes no more cases."""

    researcher_id: Key


class ResearcherRenewalRequested(EventData):
    """The institution is asked whether the profile still holds."""

    researcher_id: Key


class RegisterResearcher(CommandData):
    """Put a researcher of one's own institution into the catalogue."""

    example: ClassVar[Mapping[str, Any]] = {"post": "教授", "field_codes": ["materials.ceramics"], "languages": ["ja"]}
    researcher_id: Key | None = None
    institution_id: Key | None = None
    post: Line | None = None
    field_codes: tuple[Code, ...] = Field((), max_length=20)
    languages: tuple[Code, ...] = Field((), max_length=20)


class ChangeResearcherAvailability(CommandData):
    """Say whether the researcher has room for cases."""

    example: ClassVar[Mapping[str, Any]] = {"available": False, "until": "2027-03-31"}
    researcher_id: Key | None = None
    available: bool
    until: Day | None = None
    capacity: int | None = Field(None, ge=0, le=100, strict=True)


class MoveResearcher(CommandData):
    """Record the move to another institution."""

    example: ClassVar[Mapping[str, Any]] = {"institution_id": "hokudai"}
    researcher_id: Key | None = None
    institution_id: Key


class RetireResearcher(CommandData):
    """Record that the researcher takes no more cases."""

    example: ClassVar[Mapping[str, Any]] = {}
    researcher_id: Key | None = None


class RequestResearcherRenewal(CommandData):
    """Ask the institution whether the profile still holds; the clock asks again, and ends the availability at last."""

    example: ClassVar[Mapping[str, Any]] = {}
    researcher_id: Key | None = None


class Researcher(Entry):
    """One researcher of the catalogue."""

    institution_id: str
    field_codes: tuple[str, ...] = ()
    available: bool = True
    retired: bool = False
    renewed_at: datetime
    asked: tuple[datetime, ...] = ()
    """When the institution was asked since then whether the profile still holds."""

    def due(self) -> EntryDue | None:
        """Asked every year, again after 30 business days, no longer found after 60 (`domain.md` 6d, profile)."""
        if self.standing != "available":
            return None
        return EntryDue(RequestResearcherRenewal.__name__, renewal_due(self.renewed_at, self.asked))

    @property
    def standing(self) -> str:
        """Available, unavailable or retired."""
        if self.retired:
            return "retired"
        return "available" if self.available else "unavailable"


@decides(RegisterResearcher, by={Role.university_liaison}, stream=STREAM, opens=True)
def register_researcher(one: Researcher | None, data: RegisterResearcher, ask: Ask) -> Iterable[EventData]:
    """Only the own institution registers."""
    require_new(one)
    institution_id = data.institution_id or ask.actor.org_id
    require_own(institution_id, ask)
    body = data.model_dump(exclude={"researcher_id", "institution_id"})
    return [ResearcherRegistered(researcher_id=ask.command.case_id, institution_id=institution_id, **body)]


def _require_active(one: Researcher, ask: Ask) -> None:
    require_own(one.institution_id, ask)
    require(not one.retired, "already_done", fact="ResearcherRetired")


@decides(ChangeResearcherAvailability, by={Role.university_liaison}, stream=STREAM)
def change_availability(one: Researcher, data: ChangeResearcherAvailability, ask: Ask) -> Iterable[EventData]:
    """The newest word counts."""
    _require_active(one, ask)
    body = data.model_dump(exclude={"researcher_id"})
    return [ResearcherAvailabilityChanged(researcher_id=one.entry_id, **body)]


@decides(MoveResearcher, by={Role.university_liaison}, stream=STREAM)
def move_researcher(one: Researcher, data: MoveResearcher, ask: Ask) -> Iterable[EventData]:
    """The institution that is left, or the one that is entered, records the move."""
    if ask.actor.org_id not in {one.institution_id, data.institution_id}:
        refuse("not_permitted", role=ask.actor.role, command=ask.command.name)
    require(data.institution_id != one.institution_id, "already_done", "/data/institution_id", fact=one.institution_id)
    return [
        ResearcherMoved(
            researcher_id=one.entry_id,
            from_institution_id=one.institution_id,
            institution_id=data.institution_id,
        )
    ]


@decides(RetireResearcher, by={Role.university_liaison}, stream=STREAM)
def retire_researcher(one: Researcher, data: RetireResearcher, ask: Ask) -> Iterable[EventData]:
    """A researcher retires once."""
    _require_active(one, ask)
    return [ResearcherRetired(researcher_id=one.entry_id)]


@decides(RequestResearcherRenewal, by={Role.system, Role.coordinator}, stream=STREAM)
def request_researcher_renewal(one: Researcher, data: RequestResearcherRenewal, ask: Ask) -> Iterable[EventData]:
    """Who retired is not asked."""
    require(not one.retired, "already_done", fact="ResearcherRetired")
    due = one.due()
    if ask.actor.role is Role.system and (due is None or due.at > ask.now):
        return []
    if ask.actor.role is Role.system and len(one.asked) > 1:
        return [ResearcherAvailabilityChanged(researcher_id=one.entry_id, available=False)]
    return [ResearcherRenewalRequested(researcher_id=one.entry_id)]


@evolves(ResearcherRegistered, stream=STREAM)
def researcher_registered(one: Researcher | None, fact: ResearcherRegistered, event: Event) -> Researcher:
    """The researcher is in the catalogue."""
    return Researcher(
        institution_id=fact.institution_id,
        field_codes=fact.field_codes,
        renewed_at=event.recorded_at,
        **begun(event),
    )


@evolves(ResearcherRenewalRequested, stream=STREAM)
def researcher_renewal_requested(one: Researcher, fact: ResearcherRenewalRequested, event: Event) -> Researcher:
    """The institution's answer is awaited."""
    return one.but(asked=(*one.asked, event.recorded_at))


@evolves(ResearcherAvailabilityChanged, stream=STREAM)
def availability_changed(one: Researcher, fact: ResearcherAvailabilityChanged, event: Event) -> Researcher:
    """The newest word counts, and renews the profile."""
    return one.but(available=fact.available, renewed_at=event.recorded_at, asked=())


@evolves(ResearcherMoved, stream=STREAM)
def researcher_moved(one: Researcher, fact: ResearcherMoved, event: Event) -> Researcher:
    """The researcher belongs to the new institution, which thereby renews the profile."""
    return one.but(institution_id=fact.institution_id, renewed_at=event.recorded_at, asked=())


@evolves(ResearcherRetired, stream=STREAM)
def researcher_retired(one: Researcher, fact: ResearcherRetired, event: Event) -> Researcher:
    """No more cases."""
    return one.but(retired=True)
