"""Evidence dossiers over HTTP, rendered by a part that is handed to the worker."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from temporalio.client import Client

from domain.catalogue.dossier_events import Dossier
from domain.envelope import Organization, Paper, Person
from domain.state import Case
from domain.terms import Role
from store.cases import Cases
from store.codec import canonical
from store.connect import Store
from store.notices import Contact, adding
from store.pool import rows
from workers.case_worker import case_worker
from workers.mailer import MailServer, mail_of
from workers.notifier import told_of

Call = Callable[..., Any]
LENDING = {
    "consent_id": "k2",
    "recipients": ["center", "jfs"],
    "purposes": ["lending_evaluation"],
    "data_classes": ["public_summary"],
    "valid_until": "2035-03-31",
    "given_by": "代表取締役",
    "method": "electronic",
}


@dataclass
class Printer:
    """Renders what a dossier says of its case: its title alone."""

    meanwhile: list[Callable[[str], Awaitable[Any]]] = field(default_factory=list)
    """What happens in the case, once, while a dossier of it is rendered."""

    async def render(self, dossier: Dossier, case: Case, at: datetime) -> Paper:
        while self.meanwhile:
            await self.meanwhile.pop()(case.case_id)
        body = canonical({"case": case.case_id, "lender": dossier.lender_id, "version": len(dossier.issues) + 1})
        return Paper(cut_off_version=case.version, content_hash=hashlib.sha256(body).hexdigest())


@pytest.fixture(scope="module")
def printer() -> Printer:
    return Printer()


@pytest.fixture(scope="module", autouse=True)
async def worker(engine: Client, store: Store, printer: Printer) -> AsyncIterator[None]:
    """A worker that renders."""
    async with case_worker(engine, store, papers=printer):
        yield


async def consented(call: Call) -> str:
    """A case whose company consents to the lender."""
    case = str(await call("sato").refer(company=None, company_id="ariake"))
    assert (await call("ueda").do(case, "RecordConsent", {"data": LENDING})).status_code == 200
    return case


async def asked(call: Call, case: str) -> str:
    """The id of a dossier that the lender asked for."""
    answer = await call("endo").post(f"/v1/cases/{case}/dossiers", json={"data": {"lending_context": "new_loan"}})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def give(call: Call, person: str, dossier: str, name: str, **body: Any) -> Any:
    """The answer to a command to the dossier."""
    return await call(person).post(f"/v1/dossiers/{dossier}/commands/{name}", json={"data": {}, **body})


async def told(store: Store, dossier: str) -> list[str]:
    """The types of the dossier's events."""
    return [one.type for one in await store.ledger.read(f"dossier-{dossier}")]


async def withdraw(call: Call, case: str) -> None:
    """The company takes back its consent to the lender."""
    body = {"data": {"consent_id": "k2"}, "reason": {"code": "cost"}}
    answer = await call("ueda").do(case, "WithdrawConsent", body)
    assert answer.status_code == 200, answer.text


async def test_a_lender_asks_for_a_dossier_once_the_company_consents(call: Call) -> None:
    case = await call("sato").refer(company=None, company_id="ariake")
    refused = await call("endo").post(f"/v1/cases/{case}/dossiers", json={"data": {}})
    assert (refused.status_code, refused.json()["code"]) == (422, "lending_consent_required")
    case = await consented(call)
    answer = await call("endo").post(f"/v1/cases/{case}/dossiers", json={"data": {"lang": "en"}})
    dossier = answer.json()["id"]
    assert (answer.status_code, answer.headers["location"]) == (201, f"/v1/dossiers/{dossier}")
    assert answer.json()["status"] == "requested"
    again = await call("endo").post(f"/v1/dossiers/{dossier}/commands/RequestDossier", json={"data": {"case_id": case}})
    assert again.json()["code"] == "already_done"


async def test_a_request_for_a_dossier_is_taken_once_however_often_it_is_sent(call: Call) -> None:
    case, headers = await consented(call), {"Idempotency-Key": '"once"'}
    answers = [await call("endo").post(f"/v1/cases/{case}/dossiers", json={"data": {}}, headers=headers) for _ in "ab"]
    assert [one.status_code for one in answers] == [201, 201]
    assert answers[0].content == answers[1].content


async def test_the_address_and_the_body_name_one_case(call: Call) -> None:
    case = await consented(call)
    wrong = await call("endo").post(f"/v1/cases/{case}/dossiers", json={"data": {"case_id": "other"}})
    assert (wrong.status_code, wrong.json()["pointer"]) == (422, "/data/case_id")


async def test_a_dossier_is_released_viewed_and_its_loan_noted(call: Call) -> None:
    case = await consented(call)
    dossier = await asked(call, case)
    assert (await give(call, "endo", dossier, "ViewDossier")).json()["code"] == "not_yet_happened"
    assert (await give(call, "endo", dossier, "ReleaseDossier")).status_code == 403
    released = await give(call, "tanaka", dossier, "ReleaseDossier")
    assert [one["type"] for one in released.json()["events"]] == ["EvidenceDossierIssued"], released.text
    assert released.status_code == 200 and "location" not in released.headers
    assert [one["type"] for one in (await give(call, "endo", dossier, "ViewDossier")).json()["events"]] == [
        "DossierViewed"
    ]
    noted = await give(call, "endo", dossier, "NoteLoanOutcome", data={"made": "yes"})
    assert noted.status_code == 200
    read = (await call("endo").get(f"/v1/dossiers/{dossier}")).json()
    [issue] = read["issues"]
    assert (read["status"], read["case_id"], read["lender_id"], issue["version"]) == ("issued", case, "jfs", 1)
    assert len(issue["content_hash"]) == 64


async def test_only_its_lender_its_company_and_the_center_read_a_dossier(call: Call) -> None:
    dossier = await asked(call, await consented(call))
    readers = {
        person: (await call(person).get(f"/v1/dossiers/{dossier}")).status_code
        for person in ("endo", "ueda", "tanaka", "noda", "sato", "okada", "hara")
    }
    assert readers == {"endo": 200, "ueda": 200, "tanaka": 200, "noda": 200, "sato": 404, "okada": 404, "hara": 404}
    assert (await call("tanaka").get("/v1/dossiers/none")).json()["code"] == "unknown_entry"


async def test_a_withdrawn_lending_consent_revokes_the_dossier_by_itself(call: Call, store: Store) -> None:
    """Script 7."""
    case = await consented(call)
    dossier = await asked(call, case)
    await give(call, "tanaka", dossier, "ReleaseDossier")
    await withdraw(call, case)
    assert await told(store, dossier) == ["EvidenceDossierRequested", "EvidenceDossierIssued", "EvidenceShareRevoked"]
    for answer in (await call("endo").get(f"/v1/dossiers/{dossier}"), await give(call, "endo", dossier, "ViewDossier")):
        assert answer.json()["code"] == "consent_withdrawn"
    assert (await call("ueda").get(f"/v1/dossiers/{dossier}")).json()["status"] == "revoked"
    assert (await give(call, "tanaka", dossier, "ReleaseDossier")).json()["code"] == "lending_consent_required"


async def test_a_share_ends_with_the_consent(call: Call, store: Store) -> None:
    """Invariant 2: asked at the moment of reading."""
    dossier = await asked(call, await consented(call))
    await give(call, "tanaka", dossier, "ReleaseDossier")
    now = await store.clock.now()
    try:
        await store.clock.move(datetime.fromisoformat("2035-04-02T09:00:00+09:00"))
        answer = await call("endo").get(f"/v1/dossiers/{dossier}")
        assert answer.json()["code"] == "lending_consent_required"
    finally:
        await store.clock.move(now, freeze=False)


async def test_the_people_of_a_lender_that_merged_read_its_dossiers_on(
    call: Call, store: Store, keys: dict[str, str]
) -> None:
    await store.directory.register_organization(Organization(org_id="old-lender", kind="lender", name="x"))
    await store.directory.register_organization(Organization(org_id="new-lender", kind="lender", name="y"))
    ota = Person(person_id="ota", role=Role.lender_officer, org_id="old-lender", name="ota")
    await store.directory.register_person(ota)
    keys["ota"] = await store.keys.issue("ota", "test")
    case = str(await call("sato").refer(company=None, company_id="ariake"))
    lending = {**LENDING, "recipients": ["old-lender"]}
    assert (await call("ueda").do(case, "RecordConsent", {"data": lending})).status_code == 200
    dossier = (await call("ota").post(f"/v1/cases/{case}/dossiers", json={"data": {}})).json()["id"]
    body = {"data": {"successor_id": "new-lender"}, "reason": {"code": "other"}}
    merged = await call("doi").post("/v1/companies/old-lender/commands/MergeOrganizations", json=body)
    assert merged.status_code == 201, merged.text
    assert (await call("ota").get("/v1/me")).json()["organization"]["org_id"] == "new-lender"
    assert (await call("ota").get(f"/v1/dossiers/{dossier}")).json()["status"] == "requested"
    assert (await give(call, "tanaka", dossier, "ReleaseDossier")).status_code == 200
    assert (await give(call, "ota", dossier, "ViewDossier")).status_code == 200
    events = (await call("noda").get(f"/v1/cases/{case}/events")).json()["items"]
    assert events[-1]["type"].startswith("jp.hashi.referral.organization_followed.")


async def test_a_consent_withdrawn_while_a_dossier_is_rendered_leaves_no_share(
    call: Call, store: Store, printer: Printer
) -> None:
    case = await consented(call)
    dossier = await asked(call, case)
    printer.meanwhile.append(lambda case_id: withdraw(call, case_id))
    released = await give(call, "tanaka", dossier, "ReleaseDossier")
    assert released.json()["code"] == "lending_consent_required"
    assert await told(store, dossier) == ["EvidenceDossierRequested", "EvidenceShareRevoked"]
    assert (await give(call, "endo", dossier, "ViewDossier")).json()["code"] == "consent_withdrawn"


async def test_the_company_reads_what_of_it_a_lender_was_shown(call: Call) -> None:
    case = await consented(call)
    dossier = await asked(call, case)
    address = f"/v1/cases/{case}/disclosures"
    assert "jfs" not in {one["to"] for one in (await call("ueda").get(address)).json()["items"]}, "not yet"
    await give(call, "tanaka", dossier, "ReleaseDossier")
    [*_, last] = (await call("ueda").get(address)).json()["items"]
    assert (last["to"], last["purpose"], last["consent_id"], last["data_classes"]) == (
        *("jfs", "lending_evaluation"),
        *("k2", ["public_summary"]),
    )


async def test_the_lender_is_told_of_an_issue_by_mail_and_finds_the_dossier(call: Call, store: Store) -> None:
    dossier = await asked(call, await consented(call))
    await give(call, "tanaka", dossier, "ReleaseDossier")
    await store.notices.set_contact("endo", Contact("endo@bank.example"))
    letters = await told_of(store, Cases(store.ledger), await store.ledger.read(f"dossier-{dossier}"))
    await rows(store.pool, adding(letters))
    [newest, *_] = (await call("endo").get("/v1/notices")).json()["items"]
    assert (newest["kind"], newest["dossier_id"]) == ("dossier", dossier) and "case_id" not in newest
    [letter] = [
        one for one in await store.notices.letters(await store.clock.now()) if one.notices[0].case_id == dossier
    ]
    server = MailServer.at("smtp://127.0.0.1:25", "hashi@center.example", "https://hashi.example")
    assert f"https://hashi.example/dossiers/{dossier}" in mail_of(letter, server, store).get_content()


async def test_a_corrected_event_brings_a_new_version(call: Call, store: Store) -> None:
    """Invariant 26."""
    case = await consented(call)
    dossier = await asked(call, case)
    await give(call, "tanaka", dossier, "ReleaseDossier")
    events = (await call("noda").get(f"/v1/cases/{case}/events")).json()["items"]
    referred = next(one["id"] for one in events if ".need_referred." in one["type"])
    body = {"data": {"corrects_event_id": referred, "right_value": {"title": "x"}}, "reason": {"code": "other"}}
    assert (await call("doi").do(case, "CorrectEvent", body)).status_code == 200
    assert (await call("mori").do(case, "ConfirmDecision")).status_code == 200
    assert await told(store, dossier) == [
        "EvidenceDossierRequested",
        "EvidenceDossierIssued",
        "EvidenceDossierSuperseded",
        "EvidenceDossierIssued",
    ]
