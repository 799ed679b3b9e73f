"""What every entry of the catalogue has in common: an id, a version, and the institution it belongs to."""

from datetime import datetime
from typing import Any, NamedTuple, Self

from domain.envelope import Event
from domain.law import Ask, require
from domain.records import Record
from domain.terms import Role


class EntryDue(NamedTuple):
    """The next thing that the clock does to an entry: the system's command, and when."""

    command: str
    at: datetime


class Entry(Record):
    """The state of one stream that is no case."""

    entry_id: str
    version: int
    updated_at: datetime

    def but(self, **changes: Any) -> Self:
        """This state with *changes*."""
        return self.model_copy(update=changes)

    @property
    def standing(self) -> str:
        """In one word, where the entry stands."""
        return "open"

    def exists_for(self, ask: Ask) -> bool:
        """Whether who asks has anything to do with the entry; to others it does not exist. Most are open to all."""
        return True

    def due(self) -> EntryDue | None:
        """What falls due next; most entries wait for nothing."""
        return None


def begun(event: Event) -> dict[str, Any]:
    """The common fields of an entry that *event* begins."""
    return {
        "entry_id": event.correlation_id,
        "version": event.version,
        "updated_at": event.recorded_at,
    }


def require_new(entry: Entry | None) -> None:
    """Refuse to begin what is there."""
    require(entry is None, "already_done", fact=entry.entry_id if entry else "")


def require_own(institution_id: str | None, ask: Ask) -> None:
    """A university's office acts for its own institution only (invariant 29)."""
    if ask.actor.role in {Role.university_liaison, Role.researcher}:
        mine = institution_id is not None and ask.directory.today(institution_id) == ask.actor.org_id
        require(mine, "not_permitted", role=ask.actor.role, command=ask.command.name)
