"""Seeds and researchers fall due with no workflow behind them: sweepers are their clock, and several are one."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from case_desk import START

from activities.contract import Ticket
from activities.entries import EntryClock
from activities.ledger import CaseLedger
from domain.calendar import after_business_days, after_months
from domain.case import rule_of
from domain.envelope import SYSTEM, Actor, Command
from domain.terms import Role
from store.append import Append
from store.commands import pack
from store.connect import Store
from store.entries import EntryRow

OFFICE = Actor(role=Role.university_liaison, org_id="kyudai", person="ueno")
AT_ONCE = timedelta(microseconds=-1)
SEED = {"title": "常圧焼結", "summary": "窯で焼く。"}


async def give(store: Store, stream: str, name: str, data: Mapping[str, Any]) -> None:
    """The office gives a command to an entry, as the engine would hand it on."""
    entry_id, command_id = stream.split("-", 1)[1], f"{stream}-{name}-{await store.ledger.head(stream)}"
    body = rule_of(name).data.model_validate(data)
    command = Command(command_id=command_id, case_id=entry_id, name=name, data=body, actor=OFFICE)
    await store.desk.seal(
        command_id, case_id=entry_id, name=name, org_id="kyudai", body=pack(command), fingerprint=b"-"
    )
    ticket = Ticket(
        case_id=entry_id, command_id=command_id, name=name, role=OFFICE.role, org_id="kyudai", person="ueno"
    )
    reply = await CaseLedger(store).apply_command(ticket)
    assert reply.answer.outcome == "accepted", reply


async def told(store: Store, stream: str) -> list[tuple[str, datetime]]:
    """What happened to the entry after its beginning, and when."""
    return [(one.type, one.recorded_at) for one in (await store.ledger.read(stream))[1:]]


async def pass_until(store: Store, moment: datetime, sweepers: int = 3) -> None:
    """Let time pass, stopping at each deadline, where all sweepers act at once."""
    clocks = [EntryClock(store) for _ in range(sweepers)]
    while (due := await store.overview.next_due(moment)) is not None:
        await store.clock.move(due)
        await asyncio.gather(*(one.tick(AT_ONCE) for one in clocks))
    await store.clock.move(moment)


async def test_several_sweepers_ask_twice_and_hide_once(store: Store) -> None:
    await give(store, "seed-s1", "PublishSeed", SEED)
    await give(store, "researcher-r1", "RegisterResearcher", {})
    asked = after_months(START, 12)
    again, at_last = after_business_days(asked, 30), after_business_days(asked, 60)
    await pass_until(store, at_last + timedelta(days=400))
    assert await told(store, "seed-s1") == [
        ("SeedRenewalRequested", asked),
        ("SeedRenewalRequested", again),
        ("SeedHidden", at_last),
    ]
    assert await told(store, "researcher-r1") == [
        ("ResearcherRenewalRequested", asked),
        ("ResearcherRenewalRequested", again),
        ("ResearcherAvailabilityChanged", at_last),
    ]
    row = await store.entries.entry("seed-s1")
    assert row is not None and (row.standing, row.next_due_at) == ("hidden", None)


async def test_a_seed_revised_in_time_is_asked_for_a_year_later(store: Store) -> None:
    await give(store, "seed-s1", "PublishSeed", SEED)
    revised = after_months(START, 7)
    await pass_until(store, revised)
    await give(store, "seed-s1", "ReviseSeed", {"trl": 4})
    await pass_until(store, after_months(START, 18))
    assert await told(store, "seed-s1") == [("SeedRevised", revised)]
    await pass_until(store, after_months(START, 20))
    assert (await told(store, "seed-s1"))[-1] == ("SeedRenewalRequested", after_months(revised, 12))


async def test_steps_that_were_missed_are_taken_one_after_the_other(store: Store) -> None:
    """No sweeper ran for years."""
    await give(store, "seed-s1", "PublishSeed", SEED)
    late = after_months(START, 40)
    await store.clock.move(late)
    clock = EntryClock(store)
    while await clock.tick(AT_ONCE):
        pass
    types = [kind for kind, _ in await told(store, "seed-s1")]
    assert types == ["SeedRenewalRequested"], "the second request waits for its own 30 business days"


async def test_an_entry_that_cannot_be_read_stops_no_other(store: Store) -> None:
    await give(store, "seed-s1", "PublishSeed", SEED)
    await give(store, "seed-s2", "PublishSeed", SEED)
    [event] = await store.ledger.read("seed-s1")
    strange = event.model_copy(
        update={
            "version": 2,
            "type": "SeedOfAnotherRelease",
            "command_id": "c-x",
            "event_id": "019d4000-0000-7000-8000-000000000000",
            "recorded_at": await store.clock.now(),
            "actor": SYSTEM,
        }
    )
    row = await store.entries.entry("seed-s1")
    assert row is not None
    await store.ledger.append(Append("seed-s1", 1, "c-x", (strange,), overview=row))
    due = after_months(START, 12)
    await store.clock.move(due)
    assert await EntryClock(store).tick(AT_ONCE) == 2
    assert await told(store, "seed-s2") == [("SeedRenewalRequested", due)]


async def test_a_row_that_other_rules_wrote_is_written_anew_and_nothing_happens(store: Store) -> None:
    await give(store, "seed-s1", "PublishSeed", SEED)
    row = await store.entries.entry("seed-s1")
    assert row is not None
    early = EntryRow(**{**row.model_dump(), "next_due_at": START, "due_command": "OfAnotherRelease"})
    assert await store.ledger.restate("seed-s1", 1, early)
    assert await EntryClock(store).tick(AT_ONCE) == 1
    assert await store.entries.entry("seed-s1") == row
    assert await told(store, "seed-s1") == []
