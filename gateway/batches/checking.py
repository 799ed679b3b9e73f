"""The check of a table: every row as `POST /v1/needs` would take it now. Nothing happens to any case."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from domain.envelope import FORESEEN, Actor, Context
from domain.mentions import mentioned
from domain.refusals import Refusal
from domain.stages.intake import ReferNeed
from domain.streams import decide, stream_of
from gateway.ask import Wish, reused
from gateway.batches.faults import RowFault
from gateway.batches.reading import Format, Known, Reading, documents_named, read_table, readings
from gateway.batches.referring import fault_of, wish_of
from gateway.batches.table import Table
from gateway.parts import Gateway
from gateway.problems import refused
from store.batches import BatchRow, Upload
from store.connect import Store

_AT_ONCE: Final = 50
"""Rows decided before others get their turn in this process."""


@dataclass(frozen=True)
class _Asked:
    """The rows of a table, what each asks for, and what must be looked up for them all."""

    rows: Sequence[Reading]
    wishes: Mapping[int, Wish]
    references: Sequence[str]
    streams: Sequence[str]
    names: frozenset[str]


@dataclass(frozen=True)
class _Known:
    """What the store knows of all rows together."""

    prints: Mapping[str, bytes]
    """What the bank sent before, by its references."""
    begun: frozenset[str]
    context: Context


async def checked(gateway: Gateway, actor: Actor, content: bytes, form: Format) -> tuple[Upload, list[BatchRow]]:
    """The table in *content*, and its rows as they would be taken now. Raises UnfitFile, StoreUnreachable."""
    async with gateway.table:
        table = await asyncio.to_thread(read_table, content, form)
    documents = await gateway.store.documents.named(actor.org_id, documents_named(table))
    asked = await asyncio.to_thread(_asked, gateway.store, actor, table, documents)
    known = await _known(gateway, actor, asked)
    rows = []
    for place, one in enumerate(asked.rows):
        if place % _AT_ONCE == 0:
            await asyncio.sleep(0)
        wish = asked.wishes.get(one.row)
        rows.append(await _row(gateway, one, wish, known) if wish else _refused(one, *one.faults))
    return Upload(actor.org_id, actor.person, form, table.encoding, content), rows


def _asked(store: Store, actor: Actor, table: Table, documents: Known) -> _Asked:
    """What the rows of *table* ask for. It takes seconds for thousands, so it runs in a thread of its own."""
    rows = readings(table, documents)
    needs = {one.row: one.body.data for one in rows if one.body is not None}
    wishes = {
        row: wish_of(store, "check", row, actor, data) for row, data in needs.items() if isinstance(data, ReferNeed)
    }
    commands = [one.command for one in wishes.values()]
    references = [one.data.bank_reference for one in commands if isinstance(one.data, ReferNeed)]
    names = frozenset(name for one in commands for name in mentioned(None, one))
    return _Asked(rows, wishes, references, [stream_of(one) for one in commands], names)


async def _known(gateway: Gateway, actor: Actor, asked: _Asked) -> _Known:
    desk, ledger = gateway.store.desk, gateway.store.ledger
    briefing = await desk.briefing("-", "-", asked.names)
    return _Known(
        await desk.referrals(actor.org_id, asked.references),
        frozenset(await ledger.begun(asked.streams)),
        Context(now=briefing.now, directory=briefing.directory, paper=FORESEEN),
    )


async def _row(gateway: Gateway, one: Reading, wish: Wish, known: _Known) -> BatchRow:
    command = wish.command
    assert isinstance(command.data, ReferNeed)
    if stream_of(command) in known.begun:
        if await _is_the_same(gateway, wish, known):
            return BatchRow(one.row, one.reference, command.case_id, "already_there")
        return _refused(one, fault_of(refused(reused(command.data))), case_id=command.case_id)
    facts = decide(None, command, known.context)
    if isinstance(facts, Refusal):
        return _refused(one, fault_of(refused(facts)), case_id=command.case_id)
    data = command.data.model_dump(mode="json", exclude_none=True)
    return BatchRow(one.row, one.reference, command.case_id, "ready", data)


async def _is_the_same(gateway: Gateway, wish: Wish, known: _Known) -> bool:
    """Whether the reference was used for this very need; one that a coordinator sent is looked up by itself."""
    assert isinstance(wish.command.data, ReferNeed)
    before, now = known.prints.get(wish.command.data.bank_reference), gateway.asking.fingerprint(wish)
    return before == now if before else await gateway.asking.first_of(wish, now) is not None


def _refused(one: Reading, *faults: RowFault, case_id: str | None = None) -> BatchRow:
    return BatchRow(one.row, one.reference, case_id, "refused", None, tuple(fault.told() for fault in faults))
