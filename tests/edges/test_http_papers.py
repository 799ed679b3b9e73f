"""Dossiers as HTML and PDF over HTTP; the evidence inside a PDF is checked by the auditors' one file, offline."""

import asyncio
import io
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from pypdf import PdfReader
from temporalio.client import Client

import audit.verify_bundle
from activities.papers import Printer
from audit.log import LOG, seal
from audit.signing import signers_of
from audit.verify_bundle import Broken, check
from store.connect import Store
from workers.case_worker import case_worker

Call = Callable[..., Any]
LENDING = {
    "recipients": ["center", "jfs"],
    "purposes": ["lending_evaluation"],
    "data_classes": ["public_summary", "need_detail"],
    "valid_until": "2035-03-31",
    "given_by": "代表取締役",
    "method": "electronic",
}


@pytest.fixture(scope="module", autouse=True)
async def worker(engine: Client, store: Store) -> AsyncIterator[None]:
    async with case_worker(engine, store, papers=Printer(store)):
        yield


@pytest.fixture
async def dossier(call: Call, store: Store) -> str:
    """One that was released, everything sealed."""
    case = str(await call("sato").refer(company=None, company_id="ariake"))
    assert (await call("ueda").do(case, "RecordConsent", {"data": LENDING})).status_code == 200
    facts = {"data": {"rd_staff": 3, "as_of": "2026-04-01"}}
    assert (await call("ueda").do(case, "DeclareCompanyFacts", facts)).status_code == 200
    asked = await call("endo").post(f"/v1/cases/{case}/dossiers", json={"data": {}})
    address = f"/v1/dossiers/{asked.json()['id']}"
    assert (await call("tanaka").post(f"{address}/commands/ReleaseDossier", json={"data": {}})).status_code == 200
    await sealed(store)
    return address


async def sealed(store: Store) -> None:
    """Everything that was recorded is in the log, and signed."""
    await store.following.catch_up(LOG)
    await seal(store.pool, signers_of(store.seals))


async def test_a_dossier_is_read_as_a_page_in_either_language(call: Call, dossier: str) -> None:
    for lang, words in (("ja", "技術評価補完資料"), ("en", "Evidence dossier")):
        read = await call("endo").get(dossier, params={"format": "html", "lang": lang})
        assert (read.status_code, read.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert read.headers["content-language"] == lang and words in read.text
        assert read.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"


async def test_the_evidence_in_the_pdf_is_checked_offline_by_one_file(
    call: Call, dossier: str, store: Store, tmp_path: Path
) -> None:
    read = await call("endo").get(dossier, params={"format": "pdf", "lang": "en"})
    assert (read.status_code, read.headers["content-type"]) == (200, "application/pdf")
    paper, verifier = tmp_path / "dossier.pdf", Path(audit.verify_bundle.__file__)
    paper.write_bytes(read.content)
    key = str(signers_of(store.seals)[0].key)
    command = [sys.executable, "-I", str(verifier), str(paper), "--key", key, "--json"]
    found = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    told = json.loads(found.stdout)
    assert (found.returncode, told["fits"], told["trusted"]) == (0, True, "given"), found.stdout
    assert told["counts"] == {"events": 3, "records": 1, "proofs": 3, "not_sealed_yet": 0, "issues": 1}


async def test_no_byte_of_a_record_beyond_the_consent_goes_along(call: Call, dossier: str) -> None:
    """Invariants 2, 24: the referral names bank and reference, the consent its other recipients."""
    read = await call("endo").get(dossier, params={"format": "pdf"})
    inside = PdfReader(io.BytesIO(read.content)).attachments["evidence.zip"][0]
    with ZipFile(io.BytesIO(inside)) as found:
        records = [json.loads(found.read(name)) for name in found.namelist() if name.startswith("records/")]
        everything = b"".join(found.read(name) for name in found.namelist())
    assert [one["type"] for one in records] == ["CompanyFactsDeclared"]
    assert b"bank_reference" not in everything and b'"sato"' not in everything


async def test_a_forged_dossier_is_found_out(call: Call, dossier: str, store: Store, tmp_path: Path) -> None:
    read = await call("endo").get(dossier, params={"format": "pdf"})
    inside = PdfReader(io.BytesIO(read.content)).attachments["evidence.zip"][0]
    keys = [signers_of(store.seals)[0].key]
    forgeries = {
        "dossier.json": (lambda told: told.replace("3名".encode(), "9名".encode()), "not the one that was issued"),
        "records/000003.json": (lambda told: told.replace(b'"rd_staff":3', b'"rd_staff":9'), "was changed"),
        "proofs/000001.tlog-proof": (lambda told: re.sub(rb"index \d+", b"index 0", told), "is not at|cannot be"),
    }
    for name, (forge, fault) in forgeries.items():
        forged = tmp_path / "forged.zip"
        with ZipFile(io.BytesIO(inside)) as found, ZipFile(forged, "w") as made:
            for one in found.namelist():
                content = found.read(one)
                made.writestr(one, forge(content) if one == name else content)
        with pytest.raises(Broken, match=fault):
            check(forged, keys)
    lacking = tmp_path / "lacking.zip"
    with ZipFile(io.BytesIO(inside)) as found, ZipFile(lacking, "w") as made:
        for one in found.namelist():
            if one != "proofs/000002.tlog-proof":
                made.writestr(one, found.read(one))
    with pytest.raises(Broken, match="proof of record 2 is missing"):
        check(lacking, keys)


async def test_a_pdf_without_evidence_is_called_that(tmp_path: Path) -> None:
    (tmp_path / "x.pdf").write_bytes(b"%PDF-1.7\nstream\nabc\nendstream\n")
    with pytest.raises(Broken, match="carries no evidence"):
        check(tmp_path / "x.pdf")
