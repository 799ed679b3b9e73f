"""What the world does to a store, each with a clear answer: nothing is half done, and work goes on afterwards."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from ledger_notes import new_stream, note_types, notes
from sqlalchemy import make_url

import migrations
from migrations.settings import LOCK
from store.append import Appended, AppendRefused, Conflict, Duplicate
from store.connect import Store
from store.pool import StoreFull
from store.sealing import KeyMissing
from workers.doctor.database import examine_database

Run = Callable[..., Awaitable[list[tuple[object, ...]]]]
New = Callable[..., Awaitable[str]]
KEY = bytes(range(32))
ROOT = Path(__file__).parent.parent.parent
NO_ROOM = """
CREATE FUNCTION public.no_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER no_room BEFORE INSERT ON hashi.events FOR EACH ROW EXECUTE FUNCTION public.no_room();
"""


async def test_a_foreign_writer_who_takes_the_version_makes_a_conflict(store: Store, url: str) -> None:
    stream = new_stream()
    async with Store.open(url, [KEY], event_types=note_types) as foreign:
        assert isinstance(await foreign.ledger.append(notes(stream, 0, "theirs", 2)), Appended)
    assert await store.ledger.append(notes(stream, 0, "ours")) == Conflict(2)
    assert isinstance(await store.ledger.append(notes(stream, 2, "ours")), Appended)
    assert [one.command_id for one in await store.ledger.read(stream)] == ["theirs", "theirs", "ours"]


@pytest.mark.parametrize("jump", [timedelta(minutes=-6), timedelta(minutes=6)])
async def test_after_a_jump_of_the_clock_an_old_time_is_refused_and_a_fresh_one_taken(
    store: Store, url: str, jump: timedelta
) -> None:
    stream, before = new_stream(), await store.clock.now()
    await store.clock.move(before + jump)
    with pytest.raises(AppendRefused) as caught:
        await store.ledger.append(notes(stream, 0, "c1", at=before))
    assert caught.value.fault == "clock"
    assert await store.ledger.head(stream) == 0
    assert isinstance(await store.ledger.append(notes(stream, 0, "c1", at=await store.clock.now())), Appended)
    told = [one for one in examine_database(url, [KEY]) if one.name == "Clock of the case"]
    assert "s off" in told[0].told
    await store.clock.move(before)


async def test_a_full_disk_is_told_at_once_and_work_goes_on_with_room(store: Store, as_owner: Run, url: str) -> None:
    streams = [new_stream() for _ in range(3)]
    await as_owner(url, NO_ROOM)
    outcomes = await asyncio.gather(
        *(store.ledger.append(notes(one, 0, "c1")) for one in streams), return_exceptions=True
    )
    assert {type(one) for one in outcomes} == {StoreFull}
    assert "No space left" in str(outcomes[0])
    assert [await store.ledger.head(one) for one in streams] == [0, 0, 0]
    await as_owner(url, "DROP FUNCTION public.no_room CASCADE")
    assert isinstance(await store.ledger.append(notes(streams[0], 0, "c1")), Appended)


@asynccontextmanager
async def cut_before_the_answer(url: str, folder: Path) -> AsyncIterator[str]:
    """A way to the server at *url* that is cut once, when the answer to a COMMIT or an append would come back."""
    was_cut = asyncio.Event()
    real = f"{make_url(url).query['host']}/.s.PGSQL.5432"

    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter, *, back: bool) -> None:
        while chunk := await source.read(65536):
            if back and b"appended" in chunk and not was_cut.is_set():
                was_cut.set()  # the server has answered: it is committed
                break
            target.write(chunk)
        target.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(real)
        with contextlib.suppress(ConnectionError):
            await asyncio.wait(
                [
                    asyncio.ensure_future(carry(reader, back, back=False)),
                    asyncio.ensure_future(carry(there, writer, back=True)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
        writer.close()
        back.close()

    async with await asyncio.start_unix_server(connect, folder / ".s.PGSQL.5432"):
        yield make_url(url).update_query_dict({"host": str(folder)}).render_as_string(hide_password=False)
        assert was_cut.is_set()


async def test_a_connection_lost_between_commit_and_answer_is_asked_again_and_counts_once(
    url: str, tmp_path: Path
) -> None:
    stream = new_stream()
    async with cut_before_the_answer(url, tmp_path) as way, Store.open(way, [KEY], event_types=note_types) as store:
        outcome = await store.ledger.append(notes(stream, 0, "c1"))
        assert outcome == Duplicate(1, 1)  # the group was sent again by itself, and was there
        assert len(await store.ledger.read(stream)) == 1


async def test_a_migration_that_was_killed_leaves_nothing_and_a_second_one_ends_it(
    new_database: New, as_owner: Run
) -> None:
    url = await new_database(None)
    async with await psycopg.AsyncConnection.connect(url.replace("+psycopg", "", 1)) as holder:
        await holder.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
        program = [sys.executable, "-c", "import sys, migrations; migrations.upgrade(sys.argv[1])", url]
        process = await asyncio.create_subprocess_exec(*program, cwd=ROOT, stderr=asyncio.subprocess.DEVNULL)
        query = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database ="
        query += " (SELECT oid FROM pg_database WHERE datname = current_database())"
        while not (await holder.execute(query.encode())).rowcount:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        [problem] = await asyncio.to_thread(migrations.check, url)
        assert "hashi db upgrade" in problem
    await asyncio.to_thread(migrations.upgrade, url)
    assert await asyncio.to_thread(migrations.check, url) == []


async def test_half_a_schema_is_told_with_what_to_do(new_database: New, as_owner: Run) -> None:
    url = await new_database()
    await as_owner(url, "UPDATE hashi.alembic_version SET version_num = '0011'")
    [problem] = migrations.check(url)
    assert "0011" in problem
    assert "hashi db upgrade" in problem
    assert any("hashi db upgrade" in (one.remedy or "") for one in examine_database(url, [KEY]))


async def test_a_missing_key_is_named_and_harms_nothing_else(store: Store, as_owner: Run, url: str) -> None:
    lost, other = [await store.documents.keep(one, "text/plain", None, "o") for one in (b"lost", b"other")]
    subject = f"document-{lost.document_id}"
    [(key_id, number, wrapped)] = await as_owner(
        url, f"DELETE FROM hashi.subject_keys WHERE subject = '{subject}' RETURNING key_id, number, wrapped"
    )
    assert isinstance(wrapped, bytes)
    async with Store.open(url, [KEY]) as fresh:
        with pytest.raises(KeyMissing, match=f"subject_keys lacks the key {key_id}"):
            await fresh.documents.get(lost.document_id)
        assert (await fresh.documents.get(other.document_id)) is not None
        row = f"('{key_id}', '{subject}', {number}, '\\x{wrapped.hex()}')"
        await as_owner(url, f"INSERT INTO hashi.subject_keys (key_id, subject, number, wrapped) VALUES {row}")
        found = await fresh.documents.get(lost.document_id)
        assert found is not None
        assert found.content == b"lost"


async def test_a_master_key_that_is_missing_is_named(store: Store, url: str) -> None:
    kept = await store.documents.keep(b"sealed", "text/plain", None, "o")
    async with Store.open(url, [bytes(32)]) as another:
        with pytest.raises(KeyMissing, match="not among the master keys"):
            await another.documents.get(kept.document_id)
        assert isinstance(await another.ledger.read("case-none"), list)
    async with Store.open(url, [bytes(32), KEY]) as both:
        assert (await both.documents.get(kept.document_id)) is not None
