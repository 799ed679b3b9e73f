"""The states of cases, folded from their events and kept in memory by version: reading a case again costs its news."""

from collections import OrderedDict
from typing import Final

from domain.case import fold
from domain.envelope import Event
from domain.state import Case
from store.desk import stream_of
from store.ledger import Ledger

_ROOM: Final = 5_000
"""How many states one process keeps; a state is some ten kilobytes."""


class Cases:
    """Folds cases; the newest state of each is kept."""

    def __init__(self, ledger: Ledger, room: int = _ROOM) -> None:
        self._ledger = ledger
        self._room = room
        self._states: OrderedDict[str, Case] = OrderedDict()

    async def at(self, case_id: str, version: int) -> Case | None:
        """The state of the case at *version*; None at version 0. Raises UnknownEvent, StoreUnreachable."""
        if version == 0:
            return None
        known = self._states.get(case_id)
        if known is not None and known.version == version:
            self._states.move_to_end(case_id)
            return known
        start = known if known is not None and known.version < version else None
        events = await self._ledger.read(stream_of(case_id), start.version if start else 0, version)
        case = fold(events, start)
        if case is not None and (known is None or case.version > known.version):
            self.keep(case)
        return case

    def newest(self, case_id: str) -> Case | None:
        """The newest state this process has seen, which may be behind the store."""
        return self._states.get(case_id)

    def keep(self, case: Case) -> None:
        """Remember *case* as the newest state, after its events were appended."""
        self._states[case.case_id] = case
        self._states.move_to_end(case.case_id)
        if len(self._states) > self._room:
            self._states.popitem(last=False)

    async def events(self, case_id: str) -> list[Event]:
        """All events of the case, in order."""
        return await self._ledger.read(stream_of(case_id))
