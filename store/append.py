"""What is handed to the ledger, and what comes back: only activities append, so nobody above them imports this."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from domain.envelope import Event
from store.entries import EntryRow
from store.overview import Overview


@dataclass(frozen=True)
class NaturalKey:
    """A bank's own reference, which begins one case for ever, and the keyed fingerprint of what it sent."""

    bank_id: str
    bank_reference: str
    case_id: str
    fingerprint: bytes


@dataclass(frozen=True)
class Append:
    """The events of one command, to follow *expected_version* of *stream*, with what must change in the same moment.

    Raises ValueError when the events do not belong to this stream and command or do not follow that version.
    """

    stream: str
    expected_version: int
    command_id: str
    events: tuple[Event, ...]
    overview: Overview | EntryRow | None = None
    referral: NaturalKey | None = None

    def __post_init__(self) -> None:
        """Refuse what the database would refuse as out of order."""
        places = [(event.stream, event.command_id, event.version) for event in self.events]
        first = self.expected_version + 1
        wanted = [(self.stream, self.command_id, first + place) for place in range(len(places))]
        if not places or places != wanted:
            raise ValueError(f"{self.command_id} holds {places}, which do not follow {self.expected_version}")


@dataclass(frozen=True)
class Appended:
    """The events are in the ledger, the last one at *last_position*."""

    first_version: int
    last_version: int
    last_position: int


@dataclass(frozen=True)
class Duplicate:
    """The command was there before: these are the versions of its events; nothing was written."""

    first_version: int
    last_version: int


@dataclass(frozen=True)
class Conflict:
    """The stream stands at another version than expected; nothing was written, decide again."""

    actual_version: int


@dataclass(frozen=True)
class ReferenceTaken:
    """The bank's reference belongs to another case; nothing was written."""

    case_id: str


class AppendRefused(Exception):
    """The ledger takes no such event: `clock`, recorded more than five minutes off the one clock; or `disorder`."""

    def __init__(self, fault: Literal["clock", "disorder"]) -> None:
        super().__init__(f"the ledger refused the append: {fault}")
        self.fault: Final = fault


Outcome: TypeAlias = Appended | Duplicate | Conflict | ReferenceTaken
