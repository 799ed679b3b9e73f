"""The embedded servers start, stop, come back after a crash, and disturb nobody else on the machine."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, Unpack

import psycopg
import pytest
import sqlalchemy
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from workers.embedded import EmbeddedServerError, Options, Stack, start, throwaway

PROJECT = Path(__file__).parents[2]
NOBODY = 65534

Begin = Callable[..., Coroutine[Any, Any, Stack]]


@pytest.fixture
async def begin() -> AsyncIterator[Begin]:
    """Start a stack as a test wishes and remove it with its data at the test's end."""
    begun: list[Stack] = []

    async def one(home: Path, **options: Unpack[Options]) -> Stack:
        options["fast"] = True
        begun.append(await start(home, **options))
        return begun[-1]

    yield one
    for stack in reversed(begun):
        await stack.discard()


@pytest.fixture(scope="module")
async def stack() -> AsyncIterator[Stack]:
    async with throwaway(fast=True, ui=True, search_attributes={"CaseStage": "Keyword"}) as running:
        yield running


def ask(stack: Stack, question: str) -> list[tuple[Any, ...]]:
    """Run one statement as the owner and return its rows."""
    with psycopg.connect(stack.database_url.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(question.encode())
        return cursor.fetchall() if cursor.description else []


async def open_run(stack: Stack, name: str, stage: str | None = None) -> None:
    """Start a workflow that no worker serves: it only has to be remembered."""
    client = await Client.connect(stack.temporal_address, namespace=stack.temporal_namespace)
    pairs = [] if stage is None else [SearchAttributePair(SearchAttributeKey.for_keyword("CaseStage"), stage)]
    await client.start_workflow("Waits", id=name, task_queue="q", search_attributes=TypedSearchAttributes(pairs))


async def status(stack: Stack, name: str) -> str:
    client = await Client.connect(stack.temporal_address, namespace=stack.temporal_namespace)
    described = await client.get_workflow_handle(name).describe()
    return "" if described.status is None else described.status.name


def state(pid: int) -> str:
    """Return the kernel's letter for a process, empty when it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    return ""


async def gone(pid: int) -> None:
    """Wait for the end of a process, or for its being a corpse that others have to reap."""
    async with asyncio.timeout(30):
        while state(pid) not in ("", "Z"):  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.02)


def started(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])


def run_again(pid: int) -> Callable[[], subprocess.Popen[bytes]]:
    """Return what starts the same PostgreSQL once more, this time under nobody's care."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
    owner = os.stat(f"/proc/{pid}").st_uid

    def run() -> subprocess.Popen[bytes]:
        sockets = Path(next(os.fsdecode(word) for word in words if b"unix_socket_dir" in word).partition("=")[2])
        sockets.mkdir(mode=0o700)
        os.chown(sockets, owner, -1)
        user = None if owner == os.getuid() else owner
        return subprocess.Popen(words, user=user, cwd="/", stderr=subprocess.DEVNULL)

    return run


def modes(path: Path) -> dict[Path, int]:
    return {folder: folder.stat().st_mode for folder in (path, *path.parents)}


async def test_both_servers_answer(stack: Stack) -> None:
    engine = sqlalchemy.create_engine(stack.database_url)
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("SELECT current_user, current_database()")).one() == (
            "hashi_owner",
            "hashi",
        )
    engine.dispose()
    await open_run(stack, "answers", stage="visiting")
    assert await status(stack, "answers") == "RUNNING"


def test_the_pages_of_temporal_are_served_when_asked_for(stack: Stack) -> None:
    assert stack.temporal_ui is not None
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(stack.temporal_ui, timeout=30) as answer:
        assert answer.status == 200


def test_postgresql_is_reached_by_a_private_socket_only(stack: Stack) -> None:
    ((folder, addresses),) = ask(
        stack, "SELECT current_setting('unix_socket_directories'), current_setting('listen_addresses')"
    )
    assert addresses == ""
    assert Path(folder).stat().st_mode & 0o777 == 0o700


def test_trigrams_are_found_in_japanese_text(stack: Stack) -> None:
    ask(stack, "CREATE EXTENSION pg_trgm")
    assert ask(stack, "SELECT cardinality(show_trgm('切削工具の摩耗')) > 5, lower('ÄÉ')") == [(True, "äé")]


def test_times_are_utc_and_the_database_is_unicode(stack: Stack) -> None:
    names = ("timezone", "server_encoding", "data_checksums", "max_connections")
    rows = [ask(stack, f"SHOW {name}")[0][0] for name in names]
    assert rows == ["UTC", "UTF8", "on", "200"]


async def test_closed_runs_are_kept_thirty_days(stack: Stack) -> None:
    client = await Client.connect(stack.temporal_address)
    found = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="default"))
    assert found.config.workflow_execution_retention_ttl.ToTimedelta().days == 30


async def test_committed_rows_outlive_a_killed_postgresql(stack: Stack) -> None:
    ask(stack, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    before = stack.postgres_pid
    await stack.kill_postgres()
    with pytest.raises(psycopg.OperationalError):
        ask(stack, "SELECT 1")
    await stack.restart_postgres()
    assert stack.postgres_pid != before
    assert ask(stack, "SELECT count(*) FROM kept") == [(1000,)]


async def test_a_client_of_a_killed_temporal_goes_on_after_its_restart(stack: Stack) -> None:
    client = await Client.connect(stack.temporal_address)
    await client.start_workflow("Waits", id="outlives", task_queue="q")
    address = stack.temporal_address
    await stack.kill_temporal()
    await stack.restart_temporal()
    assert stack.temporal_address == address
    described = await client.get_workflow_handle("outlives").describe()
    assert described.id == "outlives"


async def test_a_restart_keeps_data_and_addresses(begin: Begin, tmp_path: Path) -> None:
    first = await begin(tmp_path / "home")
    ask(first, "CREATE TABLE kept (n int)")
    await open_run(first, "kept")
    await first.stop()
    await first.stop()
    second = await begin(tmp_path / "home", search_attributes={"CaseStage": "Keyword"})
    assert ask(second, "SELECT count(*) FROM kept") == [(0,)]
    assert await status(second, "kept") == "RUNNING"
    assert (second.database_url, second.temporal_address) == (first.database_url, first.temporal_address)
    await open_run(second, "with an attribute that came later", stage="visiting")


async def test_a_durable_stack_waits_for_the_disk(tmp_path: Path) -> None:
    durable = await start(tmp_path / "home", in_memory_temporal=True)
    try:
        assert ask(durable, "SELECT current_setting('fsync'), current_setting('synchronous_commit')") == [("on", "on")]
    finally:
        await durable.discard()


async def test_a_second_start_on_one_home_is_refused(begin: Begin, tmp_path: Path) -> None:
    await begin(tmp_path, in_memory_temporal=True)
    with pytest.raises(EmbeddedServerError, match=rf"pid {os.getpid()}.* is using"):
        await start(tmp_path)


async def test_two_homes_run_side_by_side(begin: Begin, tmp_path: Path) -> None:
    one, other = await asyncio.gather(*(begin(tmp_path / name, in_memory_temporal=True) for name in ("a", "b")))
    ask(one, "CREATE TABLE mine (n int)")
    assert ask(other, "SELECT to_regclass('mine')") == [(None,)]
    assert one.temporal_address != other.temporal_address


async def test_a_demanded_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupant:
        port = occupant.getsockname()[1]
        with pytest.raises(EmbeddedServerError, match=rf"Port {port} \(temporal_port\)"):
            async with throwaway(fast=True, temporal_port=port):
                pass


async def test_a_remembered_port_that_is_taken_is_replaced(begin: Begin, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupant:
        port = occupant.getsockname()[1]
        (tmp_path / "stack.json").write_text(json.dumps({"temporal_port": port}), encoding="utf-8")
        stack = await begin(tmp_path, in_memory_temporal=True)
        assert stack.temporal_address != f"127.0.0.1:{port}"


async def test_a_path_may_be_long_and_hold_spaces_and_japanese(begin: Begin, tmp_path: Path) -> None:
    home = tmp_path / ("有明陶業 株式会社 " * 3) / "100% ?#&=+'\""
    home = home / ("long/" * 99)[: 469 - len(os.fsencode(home))]
    first = await begin(home)
    await open_run(first, "kept")
    await first.stop()
    assert (home.resolve() / "temporal" / "temporal.db").exists()
    assert await status(await begin(home), "kept") == "RUNNING"


async def test_a_path_too_long_for_sqlite_is_told_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="set HASHI_HOME to a folder with a shorter path"):
        await start(tmp_path / ("long/" * 99))


async def test_a_home_that_cannot_be_made_is_told_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(EmbeddedServerError, match="set HASHI_HOME") as refusal:
        await start(tmp_path / "file" / "home")
    assert str(tmp_path / "file") in str(refusal.value)


AS_NOBODY = """
import asyncio, os, sys
from pathlib import Path
from workers.embedded import EmbeddedServerError, start
if os.getuid() == 0:
    os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
try:
    asyncio.run(start(Path(sys.argv[1])))
except EmbeddedServerError as refusal:
    print(refusal)
"""


def test_a_home_without_the_right_to_write_is_told_with_a_remedy(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    words = [sys.executable, "-c", AS_NOBODY, str(tmp_path / "home"), str(NOBODY)]
    told = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60)
    tmp_path.chmod(0o700)
    assert "set HASHI_HOME" in told.stdout, told.stderr
    assert str(tmp_path / "home") in told.stdout


async def test_the_rights_of_the_folders_above_stay_as_they_are(begin: Begin, tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    watched = [private, Path(sys.prefix), Path(psycopg.__file__)]
    before = [modes(path) for path in watched]
    stack = await begin(private / "home", in_memory_temporal=True)
    assert ask(stack, "SELECT 1") == [(1,)]
    assert [modes(path) for path in watched] == before
    assert os.stat(f"/proc/{stack.postgres_pid}").st_uid != 0


RUN_UNTIL_KILLED = """
import asyncio, sys
from pathlib import Path
from workers.embedded import start
async def main():
    stack = await start(Path(sys.argv[1]), fast=True)
    print(stack.postgres_pid, stack.temporal_pid, stack.database_url, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_servers_end_with_a_killed_parent_and_lose_nothing(begin: Begin, tmp_path: Path) -> None:
    words = [sys.executable, "-c", RUN_UNTIL_KILLED, str(tmp_path)]
    parent = await asyncio.create_subprocess_exec(*words, cwd=PROJECT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    postgres, temporal, url = (await parent.stdout.readline()).decode().split()
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    parent.kill()
    await parent.communicate()
    await gone(int(postgres))
    await gone(int(temporal))
    assert ask(await begin(tmp_path), "SELECT n FROM kept") == [(1,)]


async def test_a_server_left_on_the_home_is_ended_by_the_next_start(begin: Begin, tmp_path: Path) -> None:
    first = await begin(tmp_path, in_memory_temporal=True)
    ask(first, "CREATE TABLE kept AS SELECT 1 AS n")
    (data,) = ask(first, "SHOW data_directory")[0]
    run = run_again(first.postgres_pid)
    await first.stop()
    left = run()
    async with asyncio.timeout(30):
        while not (Path(data) / "postmaster.pid").exists():  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.02)
    second = await begin(tmp_path, in_memory_temporal=True)
    assert left.wait(timeout=30) == 0
    assert ask(second, "SELECT n FROM kept") == [(1,)]


async def test_a_process_that_took_over_a_pid_is_left_alone(begin: Begin, tmp_path: Path) -> None:
    first = await begin(tmp_path, in_memory_temporal=True)
    (data,) = ask(first, "SHOW data_directory")[0]
    await first.stop()
    with subprocess.Popen(["sleep", "300"]) as innocent:  # noqa: ASYNC220 - it takes no time
        claim = {"pid": innocent.pid, "started": started(innocent.pid)}
        (tmp_path / "stack.json").write_text(json.dumps({"postgres": claim, "temporal": claim}), encoding="utf-8")
        (Path(data) / "postmaster.pid").write_text(f"{innocent.pid}\n{data}\n", encoding="utf-8")
        second = await begin(tmp_path, in_memory_temporal=True)
        assert ask(second, "SELECT 1") == [(1,)]
        assert innocent.poll() is None
        innocent.kill()


async def test_a_cancelled_throwaway_leaves_nothing() -> None:
    left: list[Any] = []

    async def use() -> None:
        async with throwaway(fast=True, in_memory_temporal=True) as running:
            left.extend((running.postgres_pid, running.temporal_pid, *ask(running, "SHOW data_directory")[0]))
            await asyncio.Event().wait()

    task = asyncio.create_task(use())
    async with asyncio.timeout(60):
        while not left:  # noqa: ASYNC110 - the task has no other sign
            await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [state(pid) for pid in left[:2]] == ["", ""]
    assert not Path(left[2]).parent.exists()


async def test_a_throwaway_of_a_killed_process_is_swept_away_later() -> None:
    abandoned = Path(tempfile.mkdtemp(prefix="hashi-throwaway-"))
    (abandoned / "stack.lock").touch()
    os.utime(abandoned / "stack.lock", (0, 0))
    async with throwaway(fast=True, in_memory_temporal=True):
        assert abandoned.name not in os.listdir(abandoned.parent)


def test_a_terminals_interrupt_does_not_reach_the_servers(stack: Stack) -> None:
    for pid in (stack.postgres_pid, stack.temporal_pid):
        assert os.getsid(pid) == pid
