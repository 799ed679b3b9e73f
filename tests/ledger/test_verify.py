"""What a superuser does is found and named; what nobody did raises no alarm."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ledger_cases import append_all, walked
from sqlalchemy import make_url
from tampering import KINDS, OURS, THEIRS, fill, follow, plain, quiet, tamper_once, verify_clean

import store.rebuild
from audit.faults import Unfit
from audit.session import session
from audit.signing import sign
from audit.verify import Trusted, verify, verify_rows_of
from audit.verify_bundle import Checkpoint
from audit.verify_rows import check_rows
from store.connect import Store
from workers.cli import run

Run = Callable[..., Awaitable[list[tuple[object, ...]]]]
Out = pytest.CaptureFixture[str]
TRUSTED = Trusted([one.key for one in OURS])
VKEY = str(OURS[0].key)


@pytest.fixture(scope="module")
async def outside(url: str) -> bytes:
    """A checkpoint of the module's database, kept elsewhere; the database holds cases and entries."""
    return await fill(url)


@pytest.mark.parametrize("turn", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_superuser_did_is_found_and_named(url: str, outside: bytes, kind: str, turn: int) -> None:
    admin_url = plain(make_url(url).set(database="postgres").render_as_string(hide_password=False))
    with psycopg.connect(admin_url, autocommit=True) as admin:
        seed = KINDS.index(kind) + turn * len(KINDS)
        assert tamper_once(admin, url, outside, seed) == (kind, None)


async def test_nothing_alarms_while_cases_come_and_the_log_follows(url: str, outside: bytes) -> None:
    assert await verify_clean(url, 10, outside) == []


async def test_everything_is_counted(url: str, outside: bytes) -> None:
    async with Store.open(url, [bytes(32)]) as store:
        await follow(store)
        await append_all(store, [walked("late", 77, 2)])
        head = await store.following.head()
    told = await asyncio.to_thread(verify, url, TRUSTED, quiet, quiet)
    assert told["events"] == told["folded"] == head
    assert told["leaves"] == head - told["not_sealed_yet"] < head
    assert told["tiles"] == told["leaves"] // 256
    assert told["case_overview"] + told["entries"] == told["streams"]
    assert told["checkpoints"] > 10


async def test_a_key_that_is_not_trusted_opens_no_checkpoint(url: str, outside: bytes) -> None:
    with pytest.raises(Unfit, match="no known key"):
        await asyncio.to_thread(verify, url, Trusted([one.key for one in THEIRS]), quiet, quiet)


async def test_a_checkpoint_from_the_future_is_one_the_log_does_not_reach(url: str, outside: bytes) -> None:
    future = sign(Checkpoint("hashi/tampering", 10**6, bytes(32)), OURS)
    with pytest.raises(Unfit, match="but the log knew 1000000"):
        await asyncio.to_thread(verify, url, Trusted(TRUSTED.keys, [future]), quiet, quiet)
    for broken in (b"", b"nonsense", future[:-3]):
        with pytest.raises(Unfit, match="a checkpoint from outside"):
            await asyncio.to_thread(verify, url, Trusted(TRUSTED.keys, [broken]), quiet, quiet)


async def test_a_large_ledger_is_compared_in_ranges_by_several_processes_that_see_one_moment(
    url: str, outside: bytes, as_owner: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows(jobs: int) -> dict[str, int]:
        with session(url) as opened:
            return check_rows(opened, None, quiet, jobs)

    whole = await asyncio.to_thread(rows, 1)
    monkeypatch.setattr(store.rebuild, "_DISTANCE", 3)
    assert await asyncio.to_thread(rows, 2) == whole
    last = "(SELECT max(case_id) FROM hashi.case_overview)"
    [(case_id, stage)] = await as_owner(url, f"SELECT case_id, stage FROM hashi.case_overview WHERE case_id = {last}")
    await as_owner(url, f"UPDATE hashi.case_overview SET stage = 'lending' WHERE case_id = {last}")
    with pytest.raises(Unfit, match=f"case_overview {case_id}: stage is 'lending'"):
        await asyncio.to_thread(rows, 2)
    await as_owner(url, f"UPDATE hashi.case_overview SET stage = '{stage}' WHERE case_id = {last}")


async def test_a_projection_that_follows_behind_is_compared_as_far_as_it_has_come(url: str, outside: bytes) -> None:
    async with Store.open(url, [bytes(32)]) as store:
        await append_all(store, [walked("behind", 5)])
    told = await asyncio.to_thread(verify, url, TRUSTED, quiet, quiet)
    assert told["case_facts"] < told["case_overview"]
    rows = await asyncio.to_thread(verify_rows_of, url, "case-behind", quiet)
    assert (rows["streams"], rows["case_overview"], rows["case_facts"]) == (1, 1, 0)


@pytest.fixture
def named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line is told the database and the key."""
    monkeypatch.setenv("HASHI_DATABASE_URL", url)
    monkeypatch.setenv("HASHI_LOG_TRUSTED", VKEY)


async def spoken(capsys: Out, *words: str) -> tuple[int, Any]:
    status = await asyncio.to_thread(run, ["audit", *words, "--json"])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("named")
async def test_the_command_line_verifies_all_or_one_case(outside: bytes, capsys: Out, tmp_path: Path) -> None:
    kept = tmp_path / "checkpoint"
    kept.write_bytes(outside)
    status, told = await spoken(capsys, "verify", "--checkpoint", str(kept))
    assert (status, told["fits"]) == (0, True)
    assert await asyncio.to_thread(run, ["audit", "verify"]) == 0
    assert "すべて一致しました" in capsys.readouterr().out
    status, told = await spoken(capsys, "verify", "--case", "t0")
    assert (status, told["proofs"], told["case_overview"]) == (0, told["events"], 1)
    assert await asyncio.to_thread(run, ["audit", "verify", "--case", "t999"]) == 2
    assert "no case t999" in capsys.readouterr().err
    status, told = await spoken(capsys, "verify", "--key", str(THEIRS[0].key))
    assert (status, told["fault"]["kind"]) == (1, "checkpoint")
    assert await asyncio.to_thread(run, ["audit", "verify", "--key", "nonsense"]) == 2


@pytest.mark.usefixtures("named")
async def test_one_changed_event_is_found_when_its_case_alone_is_verified(
    url: str, outside: bytes, as_owner: Run, capsys: Out
) -> None:
    place = "WHERE stream = 'case-t1' AND version = 2"
    [(body,)] = await as_owner(url, f"SELECT encode(body, 'hex') FROM hashi.events {place}")
    await as_owner(
        url,
        "ALTER TABLE hashi.events DISABLE TRIGGER keep_events",
        f"UPDATE hashi.events SET body = body || ' ' {place}",
    )
    try:
        for words in (("verify", "--case", "t1"), ("verify",)):
            status, told = await spoken(capsys, *words)
            assert (status, told["fault"]["stream"], told["fault"]["version"]) == (1, "case-t1", 2)
    finally:
        await as_owner(
            url,
            f"UPDATE hashi.events SET body = decode('{body}', 'hex') {place}",
            "ALTER TABLE hashi.events ENABLE ALWAYS TRIGGER keep_events",
        )


@pytest.mark.usefixtures("named")
async def test_a_case_is_replayed_with_todays_rules(url: str, outside: bytes, capsys: Out, as_owner: Run) -> None:
    status, told = await spoken(capsys, "replay", "t2", "--no-engine")
    [(stage, version)] = await as_owner(url, "SELECT stage, version FROM hashi.case_overview WHERE case_id = 't2'")
    assert (status, told["stage"], told["version"], told["events"]) == (0, stage, version, version)
    assert await asyncio.to_thread(run, ["audit", "replay", "t999", "--no-engine"]) == 2


async def test_without_a_key_there_is_nothing_to_verify_against(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: Out, tmp_path: Path
) -> None:
    monkeypatch.setenv("HASHI_DATABASE_URL", url)
    monkeypatch.setenv("HASHI_HOME", str(tmp_path))
    assert await asyncio.to_thread(run, ["audit", "verify"]) == 2
    assert "--key" in capsys.readouterr().err
