"""Needs in bulk: checked by the rules of a single need, then committed one by one; a table may come again and again."""

import asyncio
import csv
import io
import itertools
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from broken_tables import all_broken
from dumped import dumped
from structlog.testing import capture_logs
from tables import CSV, XLSX, by_row, csv_of, row, xlsx_of
from temporalio.client import Client

from domain.stages.erasure import CASE_TEXTS
from store.connect import Store
from store.erasing import erase
from workers.cli import run
from workers.embedded import Stack
from workers.intake_worker import intake_worker
from workers.sweeper import sweep_batches

Call = Callable[..., Any]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
async def committing(worker: None, engine: Client, store: Store) -> AsyncIterator[None]:
    """Workers of the cases and of the batches."""
    async with intake_worker(engine, store):
        yield


@pytest.fixture
def fresh() -> str:
    """The beginning of references that no other test uses."""
    return f"B{next(_numbers)}"


async def upload(voice: Any, content: bytes, kind: dict[str, str] = CSV) -> dict[str, Any]:
    """The batch that *content* became."""
    answer = await voice.post("/v1/intake-batches", content=content, headers=kind)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = (await voice.get(answer.headers["location"])).json()
    assert told == answer.json()
    return told


async def rows_of(voice: Any, batch: dict[str, Any]) -> list[dict[str, Any]]:
    """The report of the batch, page by page."""
    found: list[dict[str, Any]] = []
    after: str | None = "0"
    while after is not None:
        page = (await voice.get(f"/v1/intake-batches/{batch['batch_id']}/rows?limit=2&after={after}")).json()
        found, after = [*found, *page["items"]], page["next"]
    return found


async def committed(voice: Any, batch: dict[str, Any]) -> dict[str, Any]:
    """The batch once it is done."""
    answer = await voice.post(f"/v1/intake-batches/{batch['batch_id']}/commit")
    assert answer.status_code == 202, answer.text
    async with asyncio.timeout(60):
        while (told := await _read(voice, batch))["state"] == "committing":  # noqa: ASYNC110 - as a bank does
            await asyncio.sleep(0.05)
    return told


async def _read(voice: Any, batch: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = (await voice.get(f"/v1/intake-batches/{batch['batch_id']}")).json()
    return told


@pytest.mark.usefixtures("committing")
async def test_a_table_is_checked_then_committed_row_by_row(
    call: Call, fresh: str, store: Store, engine: Client
) -> None:
    bank = call("sato")
    content = csv_of(row(f"{fresh}-1"), row(f"{fresh}-2", consent__valid_until="2020-01-01"), row(f"{fresh}-3"))
    before = (await bank.get("/v1/cases?limit=200")).json()["items"]
    batch = await upload(bank, content)
    assert batch["state"] == "checked"
    assert batch["rows"] == {"total": 3, "ready": 2, "already_there": 0, "refused": 1, "committed": 0}
    assert by_row(await rows_of(bank, batch)) == [
        (2, "ready", []),
        (3, "refused", [("consent.valid_until", "invalid_field")]),
        (4, "ready", []),
    ]
    assert (await bank.get("/v1/cases?limit=200")).json()["items"] == before, "a check opens no case"
    done = await committed(bank, batch)
    assert (done["state"], done["rows"]["committed"], done["rows"]["refused"]) == ("done", 2, 1)
    case_ids = [one.get("case_id") for one in await rows_of(bank, batch)]
    assert case_ids[1] is None
    for case_id, reference in ((case_ids[0], f"{fresh}-1"), (case_ids[2], f"{fresh}-3")):
        told = (await bank.get(f"/v1/cases/{case_id}")).json()
        assert told["stage"] == "intake"
        [_, referred, *_] = (await bank.get(f"/v1/cases/{case_id}/events")).json()["items"]
        assert referred["data"]["bank_reference"] == reference
    assert await store.batches.content(batch["batch_id"]) == content
    history = await engine.get_workflow_handle(f"intake-{batch['batch_id']}").fetch_history()
    assert not [text for text in (fresh, *row()[2:]) if len(text) > 8 and text in history.to_json()], "ids and counts"


@pytest.mark.usefixtures("committing")
async def test_a_table_that_comes_again_finds_its_cases_there(call: Call, fresh: str) -> None:
    bank = call("sato")
    await committed(bank, await upload(bank, xlsx_of(row(f"{fresh}-1"), row(f"{fresh}-2")), XLSX))
    again = csv_of(row(f"{fresh}-1"), row(f"{fresh}-2", title="別の件名"), row(f"{fresh}-3"), encoding="cp932")
    batch = await upload(bank, again)
    assert batch["encoding"] == "cp932"
    found = await rows_of(bank, batch)
    assert by_row(found) == [
        (2, "already_there", []),
        (3, "refused", [("bank_reference", "reference_reused")]),
        (4, "ready", []),
    ]
    assert (await bank.get(f"/v1/cases/{found[0]['case_id']}")).status_code == 200
    done = await committed(bank, batch)
    assert done["rows"] == {"total": 3, "ready": 0, "already_there": 1, "refused": 1, "committed": 1}
    assert (await committed(bank, batch)) == done, "a second commit changes nothing"


@pytest.mark.usefixtures("committing")
async def test_a_row_and_a_single_request_are_one_need(call: Call, fresh: str, need: Callable[..., Any]) -> None:
    bank = call("sato")
    alone = await bank.post("/v1/needs", json=need(f"{fresh}-1"))
    batch = await upload(bank, csv_of(row(f"{fresh}-1"), row(f"{fresh}-2")))
    assert by_row(await rows_of(bank, batch)) == [(2, "already_there", []), (3, "ready", [])]
    second = await bank.post("/v1/needs", json=need(f"{fresh}-2"))
    done = await committed(bank, batch)
    assert done["rows"]["already_there"] == 2, "what came by itself after the check is no second case"
    case_ids = [one["case_id"] for one in await rows_of(bank, batch)]
    assert case_ids == [alone.json()["case_id"], second.json()["case_id"]]
    await committed(bank, await upload(bank, csv_of(row(f"{fresh}-3"))))
    repeated = await bank.post("/v1/needs", json=need(f"{fresh}-3"))
    assert (repeated.status_code, repeated.headers["idempotency-replayed"]) == (201, "true")


@pytest.mark.usefixtures("committing")
async def test_a_rule_that_says_no_at_the_commit_is_in_the_report(call: Call, fresh: str, need: Any) -> None:
    bank = call("sato")
    batch = await upload(bank, csv_of(row(f"{fresh}-1"), row(f"{fresh}-2")))
    await bank.post("/v1/needs", json=need(f"{fresh}-1", title="先に届いた別の件"))
    done = await committed(bank, batch)
    assert (done["state"], done["rows"]["refused"], done["rows"]["committed"]) == ("done", 1, 1)
    assert by_row(await rows_of(bank, batch))[0] == (2, "refused", [("bank_reference", "reference_reused")])


@pytest.mark.usefixtures("committing")
async def test_a_paper_is_named_by_its_id_or_its_file(call: Call, fresh: str, store: Store) -> None:
    bank = call("sato")
    sent = {"file": ("同意書.pdf", fresh.encode(), "application/pdf")}
    paper = (await bank.post("/v1/documents", files=sent)).json()["document_id"]
    for place in (1, 2):
        await bank.post("/v1/documents", files={"file": (f"{fresh}.pdf", bytes([place]), "application/pdf")})
    named = [row(f"{fresh}-{n}", consent__document_id=told) for n, told in enumerate((paper, "同意書.pdf"), 1)]
    strange = [row(f"{fresh}-{n}", consent__document_id=told) for n, told in ((3, f"{fresh}.pdf"), (4, "none.pdf"))]
    batch = await upload(bank, csv_of(*named, *strange))
    assert by_row(await rows_of(bank, batch))[2:] == [
        (4, "refused", [("consent.document_id", "ambiguous_document")]),
        (5, "refused", [("consent.document_id", "unknown_document")]),
    ]
    await committed(bank, batch)
    for one in (await rows_of(bank, batch))[:2]:
        recorded = (await store.ledger.read(f"case-{one['case_id']}"))[2].data.model_dump()
        assert recorded["document_id"] == paper
    other = await upload(call("okada"), csv_of(row(consent__document_id=paper)))
    assert other["rows"]["refused"] == 1, "another bank's paper is none of theirs"


@pytest.mark.usefixtures("committing")
async def test_a_batch_stops_between_rows_and_goes_on(call: Call, fresh: str, store: Store, engine: Client) -> None:
    bank = call("sato")
    batch = await upload(bank, csv_of(*(row(f"{fresh}-{n}") for n in range(8))))
    address = f"/v1/intake-batches/{batch['batch_id']}"
    assert (await bank.post(f"{address}/commit")).json()["state"] == "committing"
    assert (await bank.post(f"{address}/cancel")).json()["state"] == "cancelled"
    await engine.get_workflow_handle(f"intake-{batch['batch_id']}").result()
    found = await rows_of(bank, batch)
    assert (await _read(bank, batch))["state"] == "cancelled"
    assert "ready" in {one["state"] for one in found}
    begun = await store.ledger.begun([f"case-{store.seals.case_id_for('jfs', one['reference'])}" for one in found])
    assert len(begun) == sum(one["state"] == "committed" for one in found), "no row is half done"
    assert (await committed(bank, batch))["rows"]["committed"] == 8
    answer = await bank.post(f"{address}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (422, "already_done")


@pytest.mark.usefixtures("committing")
async def test_a_batch_whose_start_was_lost_goes_on(call: Call, fresh: str, store: Store, engine: Client) -> None:
    bank = call("sato")
    batch = await upload(bank, csv_of(row(f"{fresh}-1")))
    await store.batches.commit(batch["batch_id"], "sato")

    await sweep_batches(engine, store, stranded=timedelta(0))
    assert (await committed(bank, batch))["rows"]["committed"] == 1


async def test_the_report_opens_in_a_spreadsheet_and_does_nothing_there(call: Call) -> None:
    bank = call("sato")
    batch = await upload(bank, csv_of(row("@SUM(1+1)", urgency="now"), row("-2+3|cmd")))
    report = await bank.get(f"/v1/intake-batches/{batch['batch_id']}/report.csv")
    assert report.headers["content-type"] == "text/csv; charset=utf-8"
    assert report.content.startswith(b"\xef\xbb\xbf")
    _, first, second = csv.reader(io.StringIO(report.content.decode("utf-8-sig")))
    assert first[:6] == ["2", "'@SUM(1+1)", "受付不可 refused", "", "緊急度 Urgency [urgency]", "invalid_field"]
    assert second[:4] == ["3", "'-2+3|cmd", "受付可能 ready", ""]


async def test_no_broken_table_does_harm_or_half_of_it(call: Call, store: Store) -> None:
    bank = call("sato")
    before = await store.ledger.bodies(0, 100_000)
    for broken in all_broken():
        kind = CSV if broken.name.endswith(".csv") else XLSX
        answer = await bank.post("/v1/intake-batches", content=broken.content, headers=kind)
        told = answer.json()
        if broken.whole:
            [(_, _, code)] = broken.faults
            assert (answer.status_code, told["code"], told["facts"]["fault"]) == (422, "unfit_file", code), broken.name
            continue
        assert answer.status_code == 201, broken.name
        faults = [(one[0], *fault) for one in by_row(await rows_of(bank, told)) for fault in one[2]]
        assert faults == broken.faults, broken.name
    assert await store.ledger.bodies(0, 100_000) == before


@pytest.mark.parametrize("person", ["tanaka", "noda", "endo", "ueda", "admin"])
async def test_only_a_bank_refers_in_bulk(call: Call, person: str) -> None:
    answer = await call(person).post("/v1/intake-batches", content=csv_of(row()), headers=CSV)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


async def test_another_banks_batch_does_not_exist(call: Call) -> None:
    batch = await upload(call("sato"), csv_of(row()))
    address = f"/v1/intake-batches/{batch['batch_id']}"
    for method, place in (
        ("GET", ""),
        ("GET", "/rows"),
        ("GET", "/report.csv"),
        ("POST", "/commit"),
        ("POST", "/cancel"),
    ):
        answer = await call("okada").request(method, f"{address}{place}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_batch")
        assert (await call("ito").get(f"{address}")).status_code == 200, "a colleague's is ours"


async def test_a_file_that_is_not_taken_is_a_problem_with_its_place(call: Call) -> None:
    bank = call("sato", Accept_Language="ja")
    answer = await bank.post("/v1/intake-batches", content="整理番号,謎\n1,2\n".encode(), headers=CSV)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "unfit_file")
    assert told["facts"] == {"fault": "unknown_column", "row": "1", "column": "謎"}
    answer = await bank.post("/v1/intake-batches", content=b"{}", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    answer = await bank.post("/v1/intake-batches", content=bytes(6_000_000), headers=CSV)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.usefixtures("committing")
async def test_an_erasure_of_a_case_reaches_the_table_it_came_in(
    call: Call, fresh: str, store: Store, servers: Stack
) -> None:
    bank, canary = call("sato"), f"canary-{fresh}-釉薬"
    rows = (row(f"{fresh}-1", description=canary), row(f"{fresh}-2", description=canary, urgency="now"))
    batch = await upload(bank, csv_of(*rows))
    later = await upload(bank, csv_of(row(f"{fresh}-1", description=canary), row(f"{fresh}-3", title="後の件")))
    assert canary not in (dump := dumped(servers)) and canary.encode().hex() not in dump
    await committed(bank, batch)
    [first, *_] = await rows_of(bank, batch)
    assert await erase(store, first["case_id"], CASE_TEXTS) == 3, "the case's key, and those of both tables"
    for one in (batch, later):
        assert await store.batches.content(one["batch_id"]) is None
        assert len((await _read(bank, one))["sha256"]) == 64
    assert (await committed(bank, later))["rows"] | {"total": 2} == {
        "total": 2,
        "ready": 0,
        "already_there": 0,
        "refused": 1,
        "committed": 1,
    }, "the rows of others go on"


async def test_a_table_that_rests_for_long_is_erased(call: Call, fresh: str, store: Store) -> None:
    bank = call("sato")
    batch = await upload(bank, csv_of(row(f"{fresh}-1"), row(f"{fresh}-2", urgency="now")))
    assert await store.batches.forget_old(timedelta(hours=1)) == 0
    assert await store.batches.forget_old(timedelta(0)) > 0
    assert await store.batches.content(batch["batch_id"]) is None
    assert by_row(await rows_of(bank, batch)) == [(2, "refused", []), (3, "refused", [])]


@pytest.fixture
def hashi(
    address: str, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Any]:
    """The command line of a bank's officer."""
    monkeypatch.setenv("HASHI_URL", address)
    monkeypatch.setenv("HASHI_API_KEY", keys["sato"])

    async def hashi(*words: str, status: int = 0) -> tuple[str, str]:
        with capture_logs():
            assert await asyncio.to_thread(run, list(words)) == status
        shown = capsys.readouterr()
        return shown.out, shown.err

    return hashi


@pytest.mark.usefixtures("committing")
async def test_the_command_line_checks_then_commits(fresh: str, hashi: Callable[..., Any], tmp_path: Path) -> None:
    table, report = tmp_path / "needs.csv", tmp_path / "report.csv"
    table.write_bytes(csv_of(row(f"{fresh}-1"), row(f"{fresh}-2", urgency="now")))
    out, err = await hashi("needs", "import", str(table), "--report", str(report), status=2)
    assert "1 ready, 1 refused" in out and "invalid_field" in out and "row 3" in err
    assert report.read_bytes().startswith(b"\xef\xbb\xbf")
    [batch_id, *_] = [word for word in out.split() if word.startswith("b_")]
    out, _ = await hashi("needs", "batch", batch_id, "--commit", "--json", status=2)
    told = json.loads(out)
    assert (told["state"], by_row(told["items"])[0]) == ("done", (2, "committed", []))
    table.write_bytes(csv_of(row(f"{fresh}-1"), row(f"{fresh}-3")))
    out, _ = await hashi("needs", "import", str(table), "--commit")
    assert "1 already there, 1 committed" in out
    table.write_text("謎\n1\n")
    _, err = await hashi("needs", "import", str(table), status=2)
    assert "row 1, column 謎" in err


async def test_the_template_is_there_for_everybody(call: Call, hashi: Callable[..., Any], tmp_path: Path) -> None:
    for form, begins in (("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK")):
        answer = await call("seki").get(f"/v1/intake-batches/template.{form}?lang=ja")
        assert answer.content.startswith(begins) and "attachment" in answer.headers["content-disposition"]
        await hashi("needs", "template", "-o", str(tmp_path / f"empty.{form}"))
        assert (tmp_path / f"empty.{form}").read_bytes().startswith(begins)
    _, err = await hashi("needs", "template", "-o", str(tmp_path / "empty.pdf"), status=2)
    assert "empty.pdf" in err
