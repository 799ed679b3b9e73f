"""What stands around every command and every event: who, when, why, on what evidence (`domain.md` section 6)."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from typing import ClassVar, Final

from pydantic import Field, SerializeAsAny

from domain.records import Code, Instant, Key, Line, Rate, Record, Text
from domain.terms import OrganizationKind, Role

CENTER: Final = "center"
"""The id of the exchange center that runs the cases."""


class Actor(Record):
    """Who acts: a person, in a role, for an organization."""

    role: Role
    org_id: Key
    person: Key


SYSTEM: Final = Actor(role=Role.system, org_id=CENTER, person="system")
"""The actor of everything that a timer does."""


class Reason(Record):
    """Why something was decided: a code of the catalogue and free text."""

    code: Code
    text: Text | None = None


class Evidence(Record):
    """A document by reference: its id and the SHA-256 of its bytes in hexadecimal."""

    document_id: Key
    sha256: str


class Organization(Record):
    """What the rules need to know of an organization."""

    org_id: Key
    kind: OrganizationKind
    name: Line
    prefecture: Code | None = None
    country: Code = "jp"
    corporate_number: str | None = None
    indirect_rate: Rate | None = None
    """Share of the direct cost an institution asks on top; data of the institution, never a constant."""
    payment_first: bool = True
    """Whether the institution wants the money before the research starts."""
    successor_id: Key | None = None
    """The organization it goes on in, once it has merged; never one that has merged itself."""


class Person(Record):
    """What the rules need to know of a person."""

    person_id: Key
    role: Role
    org_id: Key
    name: Line


class CommandData(Record):
    """The body of a command; subclasses name its fields."""

    creates: ClassVar[Mapping[str, str]] = {}
    """Fields that hold the id of a new thing, by the prefix of an id that is made."""


class EventData(Record):
    """The fact of an event; subclasses name its fields."""

    schema_version: ClassVar[int] = 1

    carries: ClassVar[Mapping[str, str]] = {}
    """The class of the company's data in each field that holds any (`domain.md` section 5, `DataClass`)."""
    happens: ClassVar[str | None] = None
    """The field that tells when the fact became true, an instant or a day, where one does."""

    def classes(self) -> Mapping[str, str]:
        """The class of the company's data in each field that is filled with any; `a/b` is b of the field a."""
        return {name: kind for name, kind in self.carries.items() if getattr(self, name)}

    def happened(self) -> datetime | date | None:
        """When the fact became true, where the fact itself tells."""
        told: datetime | date | None = getattr(self, self.happens) if self.happens else None
        return told


class Command(Record):
    """Somebody's wish, complete: what `decide` answers."""

    command_id: Key
    case_id: Key
    name: str
    data: SerializeAsAny[CommandData]
    actor: Actor
    reason: Reason | None = None
    occurred_at: Instant | None = None
    evidence: tuple[Key, ...] = ()
    on_behalf_of: Key | None = None
    expected_version: int | None = None
    """The version the sender saw (If-Match), in the sender's own count; None: any."""


class Event(Record):
    """A fact, as it is kept for ever."""

    event_id: str
    stream: str
    version: int
    type: str
    schema_version: int
    occurred_at: Instant
    recorded_at: Instant
    actor: Actor
    on_behalf_of: Key | None = None
    command_id: Key
    causation_id: str
    correlation_id: str
    reason: Reason | None = None
    data_classes: tuple[Code, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    fiscal_year: int
    data: SerializeAsAny[EventData]


class Directory(Record):
    """The organizations, people and documents a decision may refer to, by id."""

    organizations: Mapping[str, Organization] = Field(default_factory=dict)
    people: Mapping[str, Person] = Field(default_factory=dict)
    documents: Mapping[str, str] = Field(default_factory=dict)
    """SHA-256 in hexadecimal, by document id."""

    def today(self, org_id: str) -> str:
        """The organization that *org_id* goes on in today, or itself."""
        known = self.organizations.get(org_id)
        return (known.successor_id if known else None) or org_id


class Paper(Record):
    """A rendered dossier that is about to be issued: what it draws on, and the SHA-256 of its canonical JSON."""

    cut_off_version: int
    content_hash: str
    template: int | None = None
    """The version of the templates that made its sentences."""
    names: Mapping[str, Line] = Field(default_factory=dict)
    """The names of organizations that it uses, by id."""
    lines: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """What each line cites, as ids of events."""
    reports: tuple[str, ...] = ()
    """The visit reports whose content it tells."""
    problem: str | None = None
    """Why there is nothing to issue."""


FORESEEN: Final = Paper(cut_off_version=0, content_hash="-")
"""Stands for a paper before it is rendered: what is decided on it is not recorded, but decided anew on the real one."""


class Context(Record):
    """What `decide` may know beside the state: the time, a case number to give, and the directory."""

    now: Instant
    case_no: str | None = None
    directory: Directory = Directory()
    paper: Paper | None = None
    """What was rendered for a dossier that is to be issued."""
    others: Mapping[str, Record] = Field(default_factory=dict)
    """The states of other streams that the command names, by stream."""


def made_id(prefix: str, command_id: str, place: int = 0) -> str:
    """The id of a thing made by a command: the same command makes the same id."""
    digest = hashlib.sha256(f"{prefix}:{command_id}:{place}".encode()).hexdigest()
    return f"{prefix}_{digest[:20]}"


def event_id(recorded_at: datetime, stream: str, version: int, command_id: str) -> str:
    """A UUIDv7 (RFC 9562) of *recorded_at* whose random part is derived, so that a replayed decision repeats it."""
    millis = int(recorded_at.timestamp() * 1000)
    digest = int.from_bytes(hashlib.sha256(f"{stream}:{version}:{command_id}".encode()).digest()[:10], "big")
    value = (
        (millis & 0xFFFF_FFFF_FFFF) << 80
        | 0x7 << 76
        | (digest >> 62 & 0xFFF) << 64
        | 0b10 << 62
        | digest & (1 << 62) - 1
    )
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
