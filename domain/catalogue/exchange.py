"""Exchange events 技術交流会・二金会: planned, held, and the contacts that came of them."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, ClassVar, Final

from pydantic import AliasChoices, Field

from domain.calendar import second_friday
from domain.catalogue.entry import Entry, begun, require_new
from domain.envelope import CommandData, Event, EventData
from domain.law import Ask, decides, evolves, require
from domain.records import Day, Key, Line
from domain.terms import OrganizationKind, Role

STREAM: Final = "exchange-event"


class ExchangeEventKind(StrEnum):
    """What kind of meeting it is."""

    technology_exchange = "technology_exchange"
    second_friday_salon = "second_friday_salon"
    joint_results = "joint_results"
    matching_event = "matching_event"


class ExchangeEventPlanned(EventData):
    """A meeting is planned."""

    event_id: Key
    kind: ExchangeEventKind
    title: Line | None = None
    host: Line | None = None
    on: Day | None = None
    seeds: tuple[Key, ...] = ()
    needs: tuple[Key, ...] = ()


class ExchangeEventHeld(EventData):
    """A meeting took place: which seeds and needs were shown, and how many came."""

    event_id: Key
    on: Day
    seeds: tuple[Key, ...] = ()
    needs: tuple[Key, ...] = ()
    attendance: int | None = None
    """How many people came."""
    kind: ExchangeEventKind | None = None
    host: Line | None = None


class ContactMade(EventData):
    """A company and a researcher met."""

    event_id: Key
    company: Key
    researcher: Key
    seed_id: Key | None = None


class PlanExchangeEvent(CommandData):
    """Plan a meeting; the salon is on the second Friday when nothing else is said."""

    example: ClassVar[Mapping[str, Any]] = {
        "kind": "technology_exchange",
        "title": "技術交流会",
        "host": "kyudai",
        "on": "2026-06-12",
    }
    event_id: Key | None = None
    kind: ExchangeEventKind
    title: Line | None = None
    host: Line | None = None
    on: Day | None = Field(None, validation_alias=AliasChoices("on", "planned_on", "held_on"))
    seeds: tuple[Key, ...] = Field((), max_length=200)
    needs: tuple[Key, ...] = Field((), max_length=200)


class HoldExchangeEvent(CommandData):
    """Record that the meeting took place."""

    example: ClassVar[Mapping[str, Any]] = {"seeds": ["seed-glass"], "attendance": 42}
    event_id: Key | None = None
    on: Day | None = Field(None, validation_alias=AliasChoices("on", "held_on"))
    seeds: tuple[Key, ...] = Field((), max_length=200)
    needs: tuple[Key, ...] = Field((), max_length=200)
    attendance: int | None = Field(None, ge=0, le=100_000, strict=True)
    kind: ExchangeEventKind | None = None
    host: Line | None = None


class MakeContact(CommandData):
    """Record that a company and a researcher met."""

    example: ClassVar[Mapping[str, Any]] = {"company": "ariake", "researcher": "hayashi"}
    event_id: Key | None = None
    company: Key = Field(validation_alias=AliasChoices("company", "company_id"))
    researcher: Key = Field(validation_alias=AliasChoices("researcher", "researcher_id"))
    seed_id: Key | None = None


class ExchangeEvent(Entry):
    """One meeting."""

    kind: ExchangeEventKind
    host: str | None = None
    held: bool = False
    contacts: int = 0

    @property
    def standing(self) -> str:
        """Planned or held."""
        return "held" if self.held else "planned"


@decides(PlanExchangeEvent, by={Role.coordinator}, stream=STREAM, opens=True)
def plan_exchange_event(one: ExchangeEvent | None, data: PlanExchangeEvent, ask: Ask) -> Iterable[EventData]:
    """A meeting is planned once."""
    require_new(one)
    on = data.on
    if on is None and data.kind is ExchangeEventKind.second_friday_salon:
        on = second_friday(ask.today)
    body = data.model_dump(exclude={"event_id", "on"})
    return [ExchangeEventPlanned(event_id=ask.command.case_id, on=on, **body)]


@decides(HoldExchangeEvent, by={Role.coordinator}, stream=STREAM)
def hold_exchange_event(one: ExchangeEvent, data: HoldExchangeEvent, ask: Ask) -> Iterable[EventData]:
    """What lies ahead has not been held."""
    require(not one.held, "already_done", fact="ExchangeEventHeld")
    on = data.on or ask.today
    require(on <= ask.today, "not_yet_happened", "/data/on", at=on)
    body = data.model_dump(exclude={"event_id", "on", "kind", "host"})
    kind, host = data.kind or one.kind, data.host or one.host
    return [ExchangeEventHeld(event_id=one.entry_id, on=on, kind=kind, host=host, **body)]


@decides(MakeContact, by={Role.coordinator}, stream=STREAM)
def make_contact(one: ExchangeEvent, data: MakeContact, ask: Ask) -> Iterable[EventData]:
    """Contacts are made at a meeting that was held, between a company and a researcher who are known."""
    require(one.held, "not_yet_happened", at="ExchangeEventHeld")
    company = ask.directory.organizations.get(data.company)
    known = company is not None and company.kind is OrganizationKind.company
    require(known, "invalid_field", "/data/company", problem=f"{data.company} is no known company")
    person = ask.directory.people.get(data.researcher)
    known = person is not None and person.role is Role.researcher
    require(known, "invalid_field", "/data/researcher", problem=f"{data.researcher} is no known researcher")
    return [ContactMade(event_id=one.entry_id, **data.model_dump(exclude={"event_id"}))]


@evolves(ExchangeEventPlanned, stream=STREAM)
def exchange_event_planned(one: ExchangeEvent | None, fact: ExchangeEventPlanned, event: Event) -> ExchangeEvent:
    """The meeting lies ahead."""
    return ExchangeEvent(kind=fact.kind, host=fact.host, **begun(event))


@evolves(ExchangeEventHeld, stream=STREAM)
def exchange_event_held(one: ExchangeEvent, fact: ExchangeEventHeld, event: Event) -> ExchangeEvent:
    """The meeting is over."""
    return one.but(held=True)


@evolves(ContactMade, stream=STREAM)
def contact_made(one: ExchangeEvent, fact: ContactMade, event: Event) -> ExchangeEvent:
    """One more contact."""
    return one.but(contacts=one.contacts + 1)
