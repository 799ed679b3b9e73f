"""The states of cases and entries, folded from their events and kept in memory: reading one again costs its news."""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from domain.envelope import Event
from domain.state import Case
from domain.streams import State, fold
from store.desk import stream_of
from store.ledger import Ledger

_ROOM: Final = 5_000
"""How many states one process keeps; a state is some ten kilobytes."""


class Cases:
    """Folds streams; the newest state of each is kept."""

    def __init__(self, ledger: Ledger, room: int = _ROOM) -> None:
        self._ledger = ledger
        self._room = room
        self._states: OrderedDict[str, State] = OrderedDict()

    async def at(self, case_id: str, version: int) -> Case | None:
        """The state of the case at *version*; None at version 0. Raises UnknownEvent, StoreUnreachable."""
        state = await self.state(stream_of(case_id), version)
        assert state is None or isinstance(state, Case)
        return state

    async def known(self, case_id: str, moment: datetime) -> int:
        """The version up to which the case was on record at *moment*, 0 before its first event."""
        return await self._ledger.known(stream_of(case_id), moment)

    async def today(self, case_id: str) -> Case | None:
        """The newest state of the case; None where there is none."""
        return await self.at(case_id, await self._ledger.head(stream_of(case_id)))

    async def state(self, stream: str, version: int) -> State | None:
        """The state of *stream* at *version*; None at version 0. Raises UnknownEvent, StoreUnreachable."""
        if version == 0:
            return None
        known = self._states.get(stream)
        if known is not None and known.version == version:
            self._states.move_to_end(stream)
            return known
        start = known if known is not None and known.version < version else None
        state = fold(await self._ledger.each(stream, start.version if start else 0, version), start)
        if state is not None and (known is None or state.version > known.version):
            self.keep(stream, state)
        return state

    async def with_events(self, stream: str, after: int, version: int) -> tuple[State | None, list[Event]]:
        """The state of *stream* at *version* and the events above *after* that led there, read once."""
        known = self._states.get(stream)
        if known is not None and known.version == version:
            return known, await self._ledger.read(stream, after, version)
        start = known if known is not None and known.version <= after else None
        events = await self._ledger.read(stream, start.version if start else 0, version)
        state, newest = fold(events, start), self._states.get(stream)
        if state is not None and (newest is None or state.version > newest.version):
            self.keep(stream, state)
        return state, [event for event in events if event.version > after]

    async def named(self, streams: Iterable[str]) -> dict[str, State]:
        """The newest states of *streams*, those that are there."""
        found = {one: await self.state(one, await self._ledger.head(one)) for one in streams}
        return {stream: state for stream, state in found.items() if state is not None}

    def newest(self, stream: str) -> State | None:
        """The newest state this process has seen, which may be behind the store."""
        return self._states.get(stream)

    def keep(self, stream: str, state: State) -> None:
        """Remember *state* as the newest of *stream*, after its events were appended."""
        self._states[stream] = state
        self._states.move_to_end(stream)
        if len(self._states) > self._room:
            self._states.popitem(last=False)

    async def events(self, case_id: str, up_to: int | None = None) -> list[Event]:
        """The events of the case up to the version *up_to*, in order; all of them without one."""
        return await self._ledger.read(stream_of(case_id), up_to=up_to)
