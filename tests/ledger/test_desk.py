"""What a command needs to know and what it leaves."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from ledger_notes import new_stream, note_types, notes

from domain.envelope import Organization, Person
from domain.terms import OrganizationKind, Role
from store.connect import Store
from store.desk import NotSealed, stream_of
from store.sealing import SealBroken

BODY = "溶解炉を使わない".encode()


async def keep(store: Store, command_id: str, body: bytes = BODY) -> object:
    print_ = store.seals.fingerprint(body)
    return await store.desk.seal(command_id, case_id="1", name="ReferNeed", org_id="b1", body=body, fingerprint=print_)


async def test_a_briefing_holds_all_that_a_decision_needs(store: Store) -> None:
    bank = Organization(org_id="b1", kind=OrganizationKind.bank, name="福岡銀行", prefecture="fukuoka")
    sato = Person(person_id="sato", role=Role.bank_officer, org_id="b1", name="佐藤")
    await store.directory.register_organization(bank)
    await store.directory.register_person(sato)
    paper = await store.documents.keep(b"signed", "text/plain", None, "b1")
    case_id = new_stream().removeprefix("case-")
    await store.ledger.append(notes(stream_of(case_id), 0, "c1", 2))
    await store.ledger.append(notes(stream_of(case_id), 2, "c2"))
    briefing = await store.desk.briefing(case_id, "c1", {"b1", "sato", paper.document_id, "nobody"})
    assert briefing.version == 3
    assert [(kept.type, kept.version) for kept in briefing.done] == [("NoteWritten", 1), ("NoteWritten", 2)]
    assert [kept.id for kept in briefing.done] == [
        e.event_id for e in await store.ledger.read(stream_of(case_id), 0, 2)
    ]
    assert briefing.directory.organizations == {"b1": bank}
    assert briefing.directory.people == {"sato": sato}
    assert briefing.directory.documents == {paper.document_id: paper.sha256}
    assert briefing.now.utcoffset() == datetime.now(UTC).utcoffset()


async def test_a_briefing_on_nothing_is_empty(store: Store) -> None:
    briefing = await store.desk.briefing("nothing", "c1", [])
    assert (briefing.version, briefing.done, briefing.directory.people) == (0, (), {})


async def test_a_command_is_sealed_once(store: Store) -> None:
    assert await keep(store, "once") is None
    before = await keep(store, "once", b"another body")
    assert before.fingerprint == store.seals.fingerprint(BODY)
    assert (before.case_id, before.name, before.org_id) == ("1", "ReferNeed", "b1")
    assert await store.desk.unseal("once") == BODY


async def test_of_many_who_seal_at_once_one_is_first(store: Store) -> None:
    kept = await asyncio.gather(*(keep(store, "many", bytes([n])) for n in range(8)))
    assert kept.count(None) == 1


async def test_a_sealed_body_is_not_in_the_database(
    store: Store, url: str, as_owner: Callable[..., Awaitable[list[tuple[bytes]]]]
) -> None:
    await keep(store, "hidden")
    [(sealed,)] = await as_owner(url, "SELECT sealed_body FROM hashi.commands WHERE command_id = 'hidden'")
    assert BODY not in sealed


async def test_a_body_moved_to_another_command_does_not_open(
    store: Store, url: str, as_owner: Callable[..., Awaitable[object]]
) -> None:
    await keep(store, "mine")
    await as_owner(url, "UPDATE hashi.commands SET command_id = 'yours' WHERE command_id = 'mine'")
    with pytest.raises(SealBroken):
        await store.desk.unseal("yours")
    with pytest.raises(NotSealed):
        await store.desk.unseal("mine")


async def test_a_store_with_another_key_reads_no_body(store: Store, url: str) -> None:
    await keep(store, "locked")
    async with Store.open(url, [bytes(32)], event_types=note_types) as stranger:
        with pytest.raises(SealBroken):
            await stranger.desk.unseal("locked")


async def test_a_refusal_is_remembered_as_it_was_first(store: Store) -> None:
    told = {"case_id": "1", "name": "DeclineNeed", "role": "coordinator", "org_id": "center", "fingerprint": b"f"}
    await store.desk.log_refusal("r1", code="four_eyes_required", problem={"title": "別の人が"}, **told)
    await store.desk.log_refusal("r1", code="case_closed", problem={}, **told)
    refusal = await store.desk.refusal("r1")
    assert refusal is not None
    assert (refusal.code, refusal.problem, refusal.fingerprint) == ("four_eyes_required", {"title": "別の人が"}, b"f")
    assert await store.desk.refusal("r2") is None


async def test_no_case_number_is_given_twice(store: Store) -> None:
    numbers = await asyncio.gather(*(store.desk.next_case_number() for _ in range(50)))
    assert len(set(numbers)) == 50
