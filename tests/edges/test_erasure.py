"""Secrets are sealed where they lie and gone when their key is destroyed; events, hashes and replay stay."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dumped import dumped
from temporalio.client import Client

from domain.envelope import Person
from domain.secrecy import ERASED
from domain.terms import Role
from store.cases import Cases
from store.connect import Store
from store.erasing import erase
from store.notices import Contact
from workers.embedded import Stack
from workers.payloads import SealingCodec, data_converter

pytestmark = pytest.mark.usefixtures("worker")
Call = Callable[..., Any]
CANARY = "canary-釉薬の配合"
NEED = {"company": None, "company_id": "ariake", "description": f"{CANARY}-1", "tried_before": f"{CANARY}-2"}


@pytest.fixture
async def case(call: Call) -> str:
    """A case with secrets in its need, a note, a reason and a document."""
    uploaded = await call("tanaka").post(
        "/v1/documents", files={"file": ("x.txt", f"{CANARY}-6".encode(), "text/plain")}
    )
    found = str(await call("sato").refer(**NEED))
    for body in (
        {"data": {"text": f"{CANARY}-3"}, "evidence": [uploaded.json()["document_id"]]},
        {"data": {"text": "x"}, "reason": {"code": "other", "text": f"{CANARY}-4"}},
    ):
        answer = await call("tanaka").do(found, "AddNote", body)
        assert answer.status_code == 200, answer.text
    await call("tanaka").do(found, "TriageNeed", {"data": {"route": "nowhere", "criteria": f"{CANARY}-5"}})
    return found


def holds(text: str) -> bool:
    """Whether the canary is in *text*, plain or as the bytes of a bytea column."""
    return CANARY in text or CANARY.encode().hex() in text


def files_with_the_canary(folder: Path) -> list[str]:
    """The files in which it stands: the data of both servers, write-ahead log, logs and all."""
    needle = CANARY.encode()
    return [str(one) for one in folder.rglob("*") if one.is_file() and needle in one.read_bytes()]


async def test_no_secret_lies_in_the_database_in_the_clear(case: str, servers: Stack, call: Call) -> None:
    assert CANARY in (await call("tanaka").get(f"/v1/cases/{case}")).text
    dump = dumped(servers)
    assert case in dump and not holds(dump)
    assert files_with_the_canary(servers._home.path) == []


async def test_an_erasure_destroys_keys_and_purges_copies_and_the_events_stay(
    case: str, servers: Stack, call: Call, store: Store
) -> None:
    before = await store.ledger.bodies(0, 100_000)
    asked = {"data": {"erasure_id": "e1", "basis": "個人情報保護法第35条"}}
    assert (await call("ueda").do(case, "RequestErasure", asked)).status_code == 200
    decided = await call("doi").do(case, "DecideErasure", {"data": {"decision": "approved"}}, idempotency_key="d1")
    assert decided.status_code == 200, decided.text
    again = await call("doi").do(case, "DecideErasure", {"data": {"decision": "approved"}}, idempotency_key="d1")
    assert again.content == decided.content
    told = (await call("noda").get(f"/v1/cases/{case}/events?limit=200")).json()["items"]
    assert [one["type"].split(".")[3] for one in told[-3:]] == [
        "erasure_requested",
        "erasure_decided",
        "erasure_executed",
    ]
    assert told[-1]["data"]["keys_destroyed"] == 2, "the case's and the document's"
    for person in ("tanaka", "ueda", "noda"):
        for place in ("", "/events?limit=200"):
            shown = (await call(person).get(f"/v1/cases/{case}{place}")).text
            assert CANARY not in shown
    assert "description" not in (await call("tanaka").get(f"/v1/cases/{case}")).json()["need"], "it is gone"
    assert not holds(dumped(servers))
    assert files_with_the_canary(servers._home.path) == []
    kept = dict(await store.ledger.bodies(0, 100_000))
    assert all(kept[position] == body for position, body in before), "no kept byte changed"


async def test_the_state_after_an_erasure_is_what_the_events_say(case: str, call: Call, store: Store) -> None:
    lived = Cases(store.ledger)
    stream = f"case-{case}"
    await lived.state(stream, await store.ledger.head(stream))
    await call("ueda").do(case, "RequestErasure", {"data": {"erasure_id": "e1", "basis": "法令"}})
    await call("doi").do(case, "DecideErasure", {"data": {"decision": "approved"}})
    version = await store.ledger.head(stream)
    assert await lived.state(stream, version) == await Cases(store.ledger).state(stream, version)


async def test_what_is_written_after_an_erasure_has_a_key_of_its_own(case: str, call: Call, store: Store) -> None:
    await call("ueda").do(case, "RequestErasure", {"data": {"erasure_id": "e1", "basis": "法令"}})
    await call("doi").do(case, "DecideErasure", {"data": {"decision": "approved"}})
    assert (await call("tanaka").do(case, "AddNote", {"data": {"text": "その後の記録"}})).status_code == 200
    [*_, note] = await store.ledger.read(f"case-{case}")
    assert note.data.model_dump()["text"] == "その後の記録"


async def test_an_erased_person_keeps_an_id_and_nothing_else(case: str, call: Call, store: Store) -> None:
    asked = {"data": {"erasure_id": "p1", "subject": "gone", "basis": "退職"}}
    assert (await call("doi").do(case, "RequestErasure", asked)).status_code == 200
    own = await call("doi").do(case, "DecideErasure", {"data": {"decision": "approved"}})
    assert own.json()["code"] == "four_eyes_required"
    await store.directory.register_person(Person(person_id="gone", role=Role.researcher, org_id="kyudai", name=CANARY))
    await store.notices.set_contact("gone", Contact("gone@kyudai.example"))
    key = await store.keys.issue("gone", "laptop")
    assert await erase(store, case, "gone") == 0
    person = await store.directory.person("gone")
    assert person is not None and person.name == ERASED
    assert (await store.notices.contact("gone")).email is None and await store.keys.who(key) is None


async def test_payloads_of_the_engine_can_be_sealed(servers: Stack) -> None:
    keys = [bytes(range(32))]
    client = await Client.connect(servers.temporal_address, data_converter=data_converter(keys, sealed=True))
    assert isinstance(client.data_converter.payload_codec, SealingCodec)
    [payload] = await client.data_converter.encode([CANARY])
    assert CANARY.encode() not in payload.SerializeToString()
    assert await client.data_converter.decode([payload], [str]) == [CANARY]
    plain = await Client.connect(servers.temporal_address, data_converter=data_converter(keys, sealed=False))
    [open_payload] = await plain.data_converter.encode([CANARY])
    assert await client.data_converter.decode([open_payload], [str]) == [CANARY], "what came before the switch is read"
