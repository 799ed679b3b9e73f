"""Evidence dossiers over HTTP, rendered by a part that is handed to the worker."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from temporalio.client import Client

from activities.papers import Printer
from domain.canonical import canonical
from domain.catalogue.dossier_events import Dossier
from domain.envelope import Organization, Paper, Person
from domain.state import Case
from domain.terms import Role
from dossier.document import document_of
from store.briefs import brief_of
from store.cases import Cases
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
class Press:
    """The printer, in whose work something may come between."""

    printer: Printer
    meanwhile: list[Callable[[str], Awaitable[Any]]] = field(default_factory=list)
    """What happens in the case, once, while a dossier of it is rendered."""

    async def render(self, dossier: Dossier, case: Case, at: datetime) -> Paper:
        paper = await self.printer.render(dossier, case, at)
        while self.meanwhile:
            await self.meanwhile.pop()(case.case_id)
        return paper


@pytest.fixture(scope="module")
def printer(store: Store) -> Press:
    return Press(Printer(store))


@pytest.fixture(scope="module", autouse=True)
async def worker(engine: Client, store: Store, printer: Press) -> AsyncIterator[None]:
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


async def made_again(store: Store, dossier_id: str, version: int) -> bytes:
    """The bytes of an issue, from the events alone."""
    cases = Cases(store.ledger)
    dossier = (await cases.named([f"dossier-{dossier_id}"]))[f"dossier-{dossier_id}"]
    assert isinstance(dossier, Dossier)
    case = await cases.at(dossier.case_id, dossier.issues[version - 1].cut_off_version)
    assert case is not None
    _, document = document_of(await brief_of(store, dossier, case, await store.clock.now(), issue=version))
    return canonical(document)


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
    call: Call, store: Store, printer: Press
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


async def released(call: Call, **need: Any) -> tuple[str, str]:
    """A case with a dossier that was released."""
    case = str(await call("sato").refer(company=None, company_id="ariake", **need))
    wider = {**LENDING, "data_classes": ["public_summary", "need_detail"]}
    assert (await call("ueda").do(case, "RecordConsent", {"data": wider})).status_code == 200
    dossier = await asked(call, case)
    answer = await give(call, "tanaka", dossier, "ReleaseDossier")
    assert answer.status_code == 200, answer.text
    return case, dossier


async def test_what_was_issued_is_kept_byte_by_byte_under_the_hash_of_its_event(call: Call, store: Store) -> None:
    _, dossier = await released(call)
    address = f"/v1/dossiers/{dossier}"
    read = await call("endo").get(address, params={"format": "json"})
    [issue] = (await call("endo").get(address)).json()["issues"]
    assert hashlib.sha256(read.content).hexdigest() == issue["content_hash"]
    told = read.json()
    assert (told["dossier_id"], told["version"], told["lender"]["id"]) == (dossier, 1, "jfs")
    assert told["cut_off_version"] == issue["cut_off_version"] and told["issued_at"] == issue["issued_at"]


async def test_it_can_be_made_again_from_its_event(call: Call, store: Store) -> None:
    """Cut-off, issue instant, consent and template are in the event; whatever came later changes nothing."""
    case, dossier = await released(call)
    kept = (await call("endo").get(f"/v1/dossiers/{dossier}", params={"format": "json"})).content
    assert (await call("tanaka").do(case, "AddNote", {"data": {"text": "later"}})).status_code == 200
    renamed = Organization(org_id="ariake", kind="company", name="Another Name")
    was = await store.directory.organization("ariake")
    assert was is not None
    await store.directory.register_organization(renamed)
    try:
        assert await made_again(store, dossier, 1) == kept
    finally:
        await store.directory.register_organization(was)


async def test_every_look_of_a_lender_is_on_record_and_the_centers_are_not(call: Call, store: Store) -> None:
    _, dossier = await released(call)
    for person in ("endo", "tanaka", "ueda", "endo"):
        assert (await call(person).get(f"/v1/dossiers/{dossier}", params={"format": "json"})).status_code == 200
    assert (await told(store, dossier))[2:] == ["DossierViewed", "DossierViewed"]


async def test_an_older_version_stays_to_be_read(call: Call, store: Store) -> None:
    case, dossier = await released(call)
    assert await call("ueda").do(case, "DeclareCompanyFacts", {"data": {"rd_staff": 3, "as_of": "2026-04-01"}})
    assert (await give(call, "tanaka", dossier, "ReleaseDossier")).status_code == 200
    read = [
        (await call("endo").get(f"/v1/dossiers/{dossier}", params={"format": "json", "version": version}))
        for version in (1, 2, 3)
    ]
    assert [one.status_code for one in read] == [200, 200, 422]
    assert ["研究開発要員 3名" in one.text for one in read] == [False, True, False]
    seen = [one.data.model_dump() for one in await store.ledger.read(f"dossier-{dossier}")]
    assert [one["version"] for one in seen[-2:]] == [1, 2]


async def test_what_a_narrowed_consent_no_longer_covers_is_not_read(call: Call) -> None:
    """Invariant 2: asked at the moment of reading."""
    case, dossier = await released(call)
    scope = {name: LENDING[name] for name in ("recipients", "purposes", "data_classes", "valid_until")}
    body = {"data": {"consent_id": "k2", "new_scope": scope}}
    assert (await call("ueda").do(case, "ChangeConsent", body)).status_code == 200
    read = await call("endo").get(f"/v1/dossiers/{dossier}", params={"format": "json"})
    assert read.json()["code"] == "disclosure_exceeds_consent"
    await give(call, "tanaka", dossier, "ReleaseDossier")
    again = await call("endo").get(f"/v1/dossiers/{dossier}", params={"format": "json"})
    assert again.status_code == 200 and "同意の範囲外" in again.text


async def test_a_preview_is_for_the_center_and_the_company_and_says_that_nobody_issued_it(call: Call) -> None:
    case = await consented(call)
    address = f"/v1/cases/{case}/dossier"
    answers = {who: await call(who).get(address, params={"lender": "jfs"}) for who in ("tanaka", "noda", "ueda")}
    assert {one.status_code for one in answers.values()} == {200}
    assert answers["ueda"].json()["preview"] is True and "version" not in answers["ueda"].json()
    refused = {who: (await call(who).get(address)).status_code for who in ("endo", "okada", "hara", "sato", "seki")}
    assert refused == {"endo": 404, "okada": 404, "hara": 404, "sato": 403, "seki": 404}
    assert (await call("tanaka").get(address)).json()["errors"][0]["parameter"] == "lender"
    nobody = await call("tanaka").get(address, params={"lender": "nobody"})
    assert nobody.json()["code"] == "invalid_field"


async def test_a_preview_as_of_a_moment_knows_no_more_than_there_was(call: Call, store: Store) -> None:
    case = await consented(call)
    before = (await store.clock.now()).isoformat()
    assert await call("ueda").do(case, "DeclareCompanyFacts", {"data": {"rd_staff": 3, "as_of": "2026-04-01"}})
    told_then, told_now = [
        (await call("tanaka").get(f"/v1/cases/{case}/dossier", params={"lender": "jfs", **when})).text
        for when in ({"as_of": before}, {})
    ]
    assert ("CompanyFactsDeclared" in told_then, "CompanyFactsDeclared" in told_now) == (False, True)


async def test_a_lender_reads_by_the_case_what_was_issued_for_it_last(call: Call) -> None:
    case, dossier = await released(call)
    read = await call("endo").get(f"/v1/cases/{case}/dossier")
    assert (read.status_code, read.json()["dossier_id"], read.json()["version"]) == (200, dossier, 1)
    listed = (await call("endo").get(f"/v1/cases/{case}/dossiers")).json()["items"]
    assert [one["dossier_id"] for one in listed] == [dossier]


async def test_a_character_without_a_glyph_stops_the_issue_and_is_named(call: Call) -> None:
    case = str(await call("sato").refer(company=None, company_id="ariake", title="部品 🎌"))
    assert (await call("ueda").do(case, "RecordConsent", {"data": LENDING})).status_code == 200
    answer = await give(call, "tanaka", await asked(call, case), "ReleaseDossier")
    assert (answer.status_code, answer.json()["code"]) == (501, "not_rendered")
    assert "U+1F38C" in answer.json()["detail"] and "/sections/1/lines/0" in answer.json()["detail"]


async def test_an_erasure_reaches_what_was_issued_and_what_was_not(call: Call, printer: Press) -> None:
    """What was rendered and never issued holds the same texts."""
    canary = "canary-消されるべき文"
    case, dossier = await released(call, description=canary)
    printer.meanwhile.append(lambda case_id: withdraw(call, case_id))
    assert (await give(call, "tanaka", dossier, "ReleaseDossier")).status_code == 422
    assert canary in (await call("tanaka").get(f"/v1/dossiers/{dossier}", params={"format": "json"})).text
    body = {"data": {"erasure_id": "e1", "basis": "個人情報保護法第35条"}}
    assert (await call("ueda").do(case, "RequestErasure", body)).status_code == 200
    assert (await call("doi").do(case, "DecideErasure", {"data": {"decision": "approved"}})).status_code == 200
    gone = await call("tanaka").get(f"/v1/dossiers/{dossier}", params={"format": "json"})
    assert (gone.status_code, gone.json()["code"]) == (404, "unknown_document")
    assert (await call("tanaka").get(f"/v1/dossiers/{dossier}")).json()["issues"][0]["content_hash"]
