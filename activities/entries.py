"""The clock of everything that is no case: no workflow stands behind an entry, so whoever sweeps takes its steps."""

from datetime import datetime, timedelta
from typing import Final

import psycopg
import structlog

from activities.ledger import CaseLedger
from domain.case import rule_of
from domain.catalogue.entry import Entry, EntryDue
from domain.envelope import SYSTEM, Command, made_id
from store.cases import Cases
from store.connect import Store, StoreUnreachable
from store.entries import EntryRow, row_of

log: Final = structlog.get_logger("entries")


class EntryClock:
    """Takes the steps of entries as they fall due. Several at once take each step once: it has one command id."""

    def __init__(self, store: Store, cases: Cases | None = None) -> None:
        self._store = store
        self._cases = cases or Cases(store.ledger)
        self._ledger = CaseLedger(store, self._cases)

    async def tick(self, grace: timedelta) -> int:
        """Take the next step of every entry that is more than *grace* overdue; returns how many there were.

        Raises StoreUnreachable. A step that fails in another way is logged and tried at the next tick, and stops no
        other entry.
        """
        now = await self._store.clock.now()
        due = await self._store.entries.due(now, grace)
        for row in due:
            try:
                await self._step(row, now)
            except (StoreUnreachable, psycopg.OperationalError):
                raise
            except Exception:
                log.exception("step_not_taken", case_id=row.entry_id, command=row.due_command)
        return len(due)

    async def _step(self, row: EntryRow, now: datetime) -> None:
        entry = await self._cases.state(row.stream, row.version)
        assert isinstance(entry, Entry)
        due = entry.due()
        if due is None or due.at > now:  # the row was written by other rules than today's
            await self._store.ledger.restate(row.stream, row.version, row_of(row.stream, entry))
        else:
            await self._ledger.carry_out(step_of(row.stream, entry, due))


def step_of(stream: str, entry: Entry, due: EntryDue) -> Command:
    """The clock's command to *entry*; the same step always has the same command id."""
    command_id = made_id("due", f"{stream}:{due.command}:{due.at.isoformat()}:{entry.version}")
    data = rule_of(due.command).data.model_validate({})
    return Command(command_id=command_id, case_id=entry.entry_id, name=due.command, data=data, actor=SYSTEM)
