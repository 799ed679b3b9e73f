"""Tampering at random as the database's superuser, and whether `hashi audit verify` finds it:

    python tests/ledger/tampering.py 1000 --clean 1000 --seed 1

Each tampering is done to a fresh copy of a small database of real cases; it has to be found, and the event, the row or
the span between two checkpoints has to be named. Exit status 1 when one is missed, misnamed, or a clean run alarms.
"""

import argparse
import asyncio
import base64
import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from sqlalchemy import make_url

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from ledger_cases import append_all, entries, walked  # noqa: E402

import migrations  # noqa: E402
from audit.faults import Fault, Unfit  # noqa: E402
from audit.log import LOG, last_sealed, seal  # noqa: E402
from audit.signing import Signer, sign, signers  # noqa: E402
from audit.verify import Trusted, verify  # noqa: E402
from audit.verify_bundle import TILE, Checkpoint, Tree, leaf_hash, root_of  # noqa: E402
from domain.canonical import canonical  # noqa: E402
from store.cases import Cases  # noqa: E402
from store.clock import Clock  # noqa: E402
from store.connect import Store  # noqa: E402
from store.projections import PROJECTIONS, asynchronous  # noqa: E402
from store.tables import events  # noqa: E402
from workers.embedded import throwaway  # noqa: E402

OURS = signers("hashi/tampering", [b"t" * 32])
THEIRS = signers("hashi/tampering", [b"x" * 32])
Session = psycopg.Connection[Any]
Named = Callable[[Fault], bool]
"""Whether a fault names what was done."""


def quiet(done: int, total: int) -> None:
    """Nobody watches."""


async def fill(url: str, cases: int = 8) -> bytes:
    """Fill the migrated database at *url* with cases, all sealed; returns the newest checkpoint, kept outside."""
    async with Store.open(url, [bytes(32)]) as store:
        streams = [*(walked(f"t{number}", number) for number in range(cases)), *entries()]
        for one in streams:
            await append_all(store, [one])
            await follow(store)
        sealed = await last_sealed(store.pool)
        assert sealed is not None
        assert sealed.checkpoint.size > TILE
        return sealed.note


async def follow(store: Store) -> None:
    """Let everything that follows the events catch up, and seal it."""
    for one in (LOG, *asynchronous(Cases(store.ledger))):
        await store.following.catch_up(one)
    await seal(store.pool, OURS)


class Tamperer:
    """A superuser with the will to do one thing at random."""

    def __init__(self, session: Session, rng: Random) -> None:
        self.session = session
        self.rng = rng
        self.head = int(self.ask("SELECT max(position) FROM hashi.events")[0][0])

    def ask(self, query: str, *parameters: object) -> list[Any]:
        cursor = self.session.execute(query.encode(), parameters)
        return cursor.fetchall() if cursor.description else []

    def somewhere(self, low: int = 1) -> int:
        return self.rng.randint(low, self.head)

    def body(self, position: int) -> bytes:
        return bytes(self.ask("SELECT body FROM hashi.events WHERE position = %s", position)[0][0])

    def changed(self, position: int) -> bytes:
        """The bytes of an event with one letter or digit of its data changed."""
        body = self.body(position)
        places = [place for place in range(len(body)) if body[place : place + 1].isalnum()]
        place = self.rng.choice(places)
        other = self.rng.choice([one for one in b"abcxyz0123456789" if one != body[place]])
        return body[:place] + bytes([other]) + body[place + 1 :]

    def put(self, position: int, body: bytes) -> None:
        self.ask("UPDATE hashi.events SET body = %s WHERE position = %s", body, position)

    def hash_again(self) -> list[bytes]:
        """Write leaves and tiles as the events of now want them; returns the leaves."""
        leaves = [leaf_hash(bytes(body)) for (body,) in self.ask("SELECT body FROM hashi.events ORDER BY position")]
        self.ask("DELETE FROM hashi.log_leaves")
        self.ask("DELETE FROM hashi.log_tiles")
        tree = Tree()
        for position, leaf in enumerate(leaves, 1):
            self.ask("INSERT INTO hashi.log_leaves VALUES (%s, %s)", position, leaf)
            for level, number, hashes in tree.add(leaf):
                self.ask("INSERT INTO hashi.log_tiles VALUES (%s, %s, %s)", level, number, root_of(hashes))
        return leaves

    def sign_again(self, leaves: list[bytes], everybody: list[Signer]) -> None:
        """Sign every checkpoint anew over *leaves*."""
        for (size,) in self.ask("SELECT size FROM hashi.log_checkpoints"):
            if size > len(leaves):
                self.ask("DELETE FROM hashi.log_checkpoints WHERE size = %s", size)
                continue
            note = sign(Checkpoint("hashi/tampering", size, root_of(leaves[:size])), everybody)
            self.ask("UPDATE hashi.log_checkpoints SET note = %s WHERE size = %s", note, size)

    def move(self, position: int, to: int) -> None:
        self.ask("UPDATE hashi.events SET position = %s WHERE position = %s", to, position)

    def close_gap(self, position: int) -> None:
        for one in range(position + 1, self.head + 1):
            self.move(one, one - 1)

    def cut(self, tables: tuple[str, ...]) -> int:
        """Take away the last events, or what belongs to them; returns where the cut is."""
        last = self.rng.randint(max(1, self.head - 40), self.head - 1)
        for table in tables:
            column = "size" if table == "log_checkpoints" else "position"
            self.ask(f"DELETE FROM hashi.{table} WHERE {column} > %s", last)
        return last

    # What may be done; each returns how the fault has to be named.

    def edit(self) -> Named:
        position = self.somewhere()
        self.put(position, self.changed(position))
        return at(position)

    def edit_with_leaf(self) -> Named:
        position = self.somewhere()
        body = self.changed(position)
        self.put(position, body)
        self.ask("UPDATE hashi.log_leaves SET leaf_hash = %s WHERE position = %s", leaf_hash(body), position)
        return at(position)

    def edit_with_all_hashes(self) -> Named:
        position = self.somewhere()
        self.put(position, self.changed(position))
        self.hash_again()
        return at(position)

    def edit_and_sign_with_another_key(self) -> Named:
        position = self.somewhere()
        self.put(position, self.changed(position))
        self.sign_again(self.hash_again(), THEIRS)
        return lambda fault: fault.kind == "checkpoint"

    def another_actor(self) -> Named:
        position = self.somewhere()
        body = self.body(position)
        self.put(position, body.replace(b'"person":"', b'"person":"x', 1))
        return at(position)

    def column(self) -> Named:
        position = self.somewhere()
        name, value = self.rng.choice(
            [
                ("command_id", "'another'"),
                ("event_id", "gen_random_uuid()"),
                ("recorded_at", "recorded_at - interval '1 microsecond'"),
                ("version", "version + 1000"),
                ("stream", "stream || 'x'"),
            ]
        )
        self.ask(f"UPDATE hashi.events SET {name} = {value} WHERE position = %s", position)
        stream = self.ask("SELECT stream FROM hashi.events WHERE position = %s", position)[0][0]
        return lambda fault: at(position)(fault) or (fault.stream or "x") in stream

    def field(self) -> Named:
        """Something that the bytes say, in good form, and what repeats it beside them."""
        position = self.somewhere()
        told = json.loads(self.body(position))
        name, value = self.rng.choice(
            [
                ("type", "NoteRecorded" if told["type"] != "NoteRecorded" else "ContactMade"),
                ("schema_version", told["schema_version"] + 1),
                ("occurred_at", "2019-04-01T00:00:00Z"),
                ("recorded_at", "2019-04-01T00:00:00Z"),
                ("version", told["version"] + 1000),
                ("event_id", "01890000-0000-7000-8000-000000000000"),
                ("command_id", "another"),
                ("stream", f"{told['stream']}x"),
            ]
        )
        self.put(position, canonical({**told, name: value}))
        if name in {one.name for one in events.columns}:
            self.ask(f"UPDATE hashi.events SET {name} = %s WHERE position = %s", value, position)
        if self.rng.random() < 0.5:
            self.hash_again()
        return at(position)

    def order_within_a_case(self) -> Named:
        """Two events of one case change places: version and bytes, each at the other's position."""
        streams = "SELECT stream FROM hashi.events GROUP BY stream HAVING count(*) > 2 ORDER BY 1"
        stream = self.rng.choice([one for (one,) in self.ask(streams)])
        rows = self.ask("SELECT position, version FROM hashi.events WHERE stream = %s ORDER BY version", stream)
        (first, one), (second, other) = sorted(self.rng.sample(rows, 2))
        version = '"version":%d'
        for position, old, new in ((first, one, other + 9000), (second, other, one), (first, other + 9000, other)):
            body = self.body(position).decode().replace(version % old, version % new, 1)
            self.put(position, body.encode())
            self.ask("UPDATE hashi.events SET version = %s WHERE position = %s", new, position)
        for position, to in ((first, self.head + 9), (second, first), (self.head + 9, second)):
            self.move(position, to)
        if self.rng.random() < 0.5:
            self.hash_again()
        return at(first)

    def back_date(self) -> Named:
        position = self.somewhere()
        body = self.body(position)
        place = body.index(b'"recorded_at":"') + len(b'"recorded_at":"')
        self.put(position, body[:place] + b"2019" + body[place + 4 :])
        change = "recorded_at = recorded_at - interval '7 years'"
        self.ask(f"UPDATE hashi.events SET {change} WHERE position = %s", position)
        if self.rng.random() < 0.5:
            self.hash_again()
        return at(position)

    def delete(self) -> Named:
        position = self.somewhere()
        self.ask("DELETE FROM hashi.events WHERE position = %s", position)
        return at(position)

    def delete_and_close_the_gap(self) -> Named:
        position = self.somewhere()
        self.ask("DELETE FROM hashi.events WHERE position = %s", position)
        self.close_gap(position)
        if self.rng.random() < 0.5:
            self.hash_again()
        return at(position)

    def swap(self) -> Named:
        first = self.rng.randint(1, self.head - 1)
        second = self.rng.randint(first + 1, self.head)
        for position, to in ((first, self.head + 9), (second, first), (self.head + 9, second)):
            self.move(position, to)
        if self.rng.random() < 0.5:
            self.hash_again()
        return at(first)

    def swap_bodies(self) -> Named:
        first, second = self.rng.sample(range(1, self.head + 1), 2)
        one, other = self.body(first), self.body(second)
        self.put(first, other)
        self.put(second, one)
        return at(min(first, second))

    def add(self) -> Named:
        position = self.rng.randint(1, self.head + 1)
        for one in range(self.head, position - 1, -1):
            self.move(one, one + 1)
        source = self.rng.choice([one for one in range(1, self.head + 2) if one != position])
        self.ask(
            "INSERT INTO hashi.events SELECT %s, stream, version + 500, gen_random_uuid(),"
            " command_id || 'x', recorded_at, body FROM hashi.events WHERE position = %s",
            position,
            source,
        )
        if self.rng.random() < 0.5:
            self.hash_again()
        stream = self.ask("SELECT stream FROM hashi.events WHERE position = %s", position)[0][0]
        return lambda fault: at(position)(fault) or fault.stream == stream

    def cut_events(self) -> Named:
        last = self.cut(("events",))
        return at(last + 1)

    def cut_events_and_log(self) -> Named:
        last = self.cut(("events", "log_leaves"))
        self.hash_again()
        return at(last + 1)

    def put_back_an_older_copy(self) -> Named:
        """Everything at once, as a restored backup would be: only a checkpoint kept outside tells."""
        last = self.cut(("events", "log_leaves", "log_checkpoints"))
        self.hash_again()
        self.ask("UPDATE hashi.checkpoints SET position = least(position, %s)", last)
        return at(last + 1)

    def forge_a_checkpoint(self) -> Named:
        sizes = [size for (size,) in self.ask("SELECT size FROM hashi.log_checkpoints ORDER BY size")]
        size, other = self.rng.sample(sizes, 2)
        note = bytes(self.ask("SELECT note FROM hashi.log_checkpoints WHERE size = %s", size)[0][0])
        head, _, line = note.decode().rpartition(" ")
        told = bytearray(base64.b64decode(line))
        told[self.rng.randint(4, len(told) - 1)] ^= 1
        forged = self.rng.choice(
            [
                f"{head} {base64.b64encode(told).decode()}\n".encode(),
                sign(Checkpoint("hashi/tampering", size, os.urandom(32)), THEIRS),
                sign(Checkpoint("another/log", size, os.urandom(32)), signers("another/log", [b"t" * 32])),
                bytes(self.ask("SELECT note FROM hashi.log_checkpoints WHERE size = %s", other)[0][0]),
                note[: self.rng.randint(0, len(note) - 1)],
                b"",
            ]
        )
        self.ask("UPDATE hashi.log_checkpoints SET note = %s WHERE size = %s", forged, size)
        return lambda fault: fault.kind == "checkpoint" and fault.until == size

    def leaf(self) -> Named:
        position = self.somewhere()
        if self.rng.random() < 0.5:
            self.ask("DELETE FROM hashi.log_leaves WHERE position = %s", position)
        else:
            self.ask("UPDATE hashi.log_leaves SET leaf_hash = sha256('x') WHERE position = %s", position)
        return at(position)

    def tile(self) -> Named:
        if self.rng.random() < 0.5:
            self.ask("DELETE FROM hashi.log_tiles WHERE number = 0")
        else:
            self.ask("UPDATE hashi.log_tiles SET hash = sha256('x') WHERE number = 0")
        return lambda fault: fault.kind == "tile" and fault.until == TILE

    def row(self) -> Named:
        projection = self.rng.choice(list(PROJECTIONS.values()))
        name, table = projection.name, projection.table
        [column] = table.primary_key
        keys = [key for (key,) in self.ask(f"SELECT {column.name} FROM hashi.{name}")]
        key = self.rng.choice(keys)
        what = self.rng.choice(["delete", "add", "change", "change", "change"])
        if what == "delete":
            self.ask(f"DELETE FROM hashi.{name} WHERE {column.name} = %s", key)
        elif what == "add":
            self.ask(
                f"INSERT INTO hashi.{name} SELECT * FROM jsonb_populate_record(NULL::hashi.{name}, (SELECT to_jsonb(o)"
                f" || jsonb_build_object('{column.name}', 'zzz') FROM hashi.{name} o WHERE {column.name} = %s))",
                key,
            )
            key = "zzz"
        else:
            changes = {
                "TEXT": "'changed'",
                "INTEGER": "77",
                "BIGINTEGER": "77777",
                "DATETIME": "'2001-01-01'::timestamptz",
            }
            changes |= {"ARRAY": "'{}'", "JSONB": "'{}'"}
            options = [one for one in table.columns if not one.primary_key and one.name != "entered_at"]
            other = self.rng.choice(options)
            value = changes[other.type.__class__.__name__.upper()]
            before = self.ask(f"SELECT {other.name}::text FROM hashi.{name} WHERE {column.name} = %s", key)
            self.ask(f"UPDATE hashi.{name} SET {other.name} = {value} WHERE {column.name} = %s", key)
            if before == self.ask(f"SELECT {other.name}::text FROM hashi.{name} WHERE {column.name} = %s", key):
                self.ask(f"UPDATE hashi.{name} SET version = version + 1 WHERE {column.name} = %s", key)
        return lambda fault: (fault.kind, fault.table, fault.key) == ("row", name, key)

    def referral(self) -> Named:
        if self.rng.random() < 0.5:
            which = "(SELECT min(case_id) FROM hashi.referrals)"
            self.ask(f"UPDATE hashi.referrals SET case_id = 'another' WHERE case_id = {which}")
        else:
            self.ask("DELETE FROM hashi.referrals WHERE case_id = (SELECT max(case_id) FROM hashi.referrals)")
        return lambda fault: (fault.kind, fault.table) == ("row", "referrals")


def at(position: int) -> Named:
    """The fault names this position, or a span that holds it."""
    return lambda fault: (
        fault.position == position
        or (fault.after is not None and fault.until is not None and fault.after < position <= fault.until)
    )


KINDS = [name for name, one in vars(Tamperer).items() if getattr(one, "__annotations__", {}).get("return") is Named]


def copy_of(admin: Session, pattern: str, name: str) -> str:
    """A fresh copy of the database at *pattern*, open to its superuser; its URL."""
    url = make_url(pattern)
    admin.execute(f"CREATE DATABASE {name} TEMPLATE {url.database}".encode())
    return url.set(database=name).render_as_string(hide_password=False)


def plain(url: str) -> str:
    """*url* as psycopg reads it."""
    return url.replace("+psycopg", "", 1)


def tamper_once(admin: Session, pattern: str, outside: bytes, seed: int) -> tuple[str, str | None]:
    """Do one thing to a copy and verify it; returns what was done, and what is wrong with the verdict."""
    rng = Random(seed)
    kind = KINDS[seed % len(KINDS)]
    url = copy_of(admin, pattern, f"tampered_{seed}")
    try:
        with psycopg.connect(plain(url), autocommit=True) as session:
            session.execute("ALTER TABLE hashi.events DISABLE TRIGGER keep_events")
            session.execute("BEGIN")
            is_named = getattr(Tamperer(session, rng), kind)()
            session.execute("COMMIT")
        kept = [outside] if kind == "put_back_an_older_copy" else []
        try:
            verify(url, Trusted([one.key for one in OURS], kept), quiet, quiet)
        except Unfit as error:
            return kind, None if is_named(error.fault) else f"seed {seed}: {kind} misnamed as {error.fault}"
        return kind, f"seed {seed}: {kind} was not found"
    finally:
        admin.execute(f"DROP DATABASE tampered_{seed}".encode())


async def main(count: int, clean: int, first: int) -> int:
    """Tamper *count* times, and verify *clean* times what nobody tampered with while it grows."""
    async with throwaway(fast=True, in_memory_temporal=True) as stack:
        url = stack.database_url
        migrations.upgrade(url)
        await Clock.make_movable(url)
        outside = await fill(url)
        done: Counter[str] = Counter()
        wrong: list[str] = []
        admin_url = plain(make_url(url).set(database="postgres").render_as_string(hide_password=False))
        with psycopg.connect(admin_url, autocommit=True) as admin:
            for seed in range(first, first + count):
                kind, fault = await asyncio.to_thread(tamper_once, admin, url, outside, seed)
                done[kind] += 1
                wrong += [fault] if fault else []
        for kind in KINDS:
            print(f"{kind:34}{done[kind]:6}")
        alarms = await verify_clean(url, clean, outside) if clean else []
        print(f"{count} tamperings, {len(wrong)} missed or misnamed; {clean} clean runs, {len(alarms)} false alarms")
        print("\n".join([*wrong, *alarms]))
        return 1 if wrong or alarms else 0


async def verify_clean(url: str, runs: int, outside: bytes) -> list[str]:
    """Verify *runs* times while cases come and the log follows; returns the false alarms."""
    alarms: list[str] = []
    trusted = Trusted([one.key for one in OURS], [outside])
    async with Store.open(url, [bytes(32)]) as store:

        async def grow() -> None:
            for number in range(10**6):
                await append_all(store, [walked(f"more{number}", 1000 + number, 4)])
                if number % 2:
                    await follow(store)
                await asyncio.sleep(2)

        growing = asyncio.ensure_future(grow())
        for _ in range(runs):
            try:
                await asyncio.to_thread(verify, url, trusted, quiet, quiet)
            except Unfit as error:
                alarms.append(str(error))
            assert not growing.done()
        growing.cancel()
    return alarms


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("count", type=int, help="how many tamperings")
    parser.add_argument("--clean", type=int, default=0, help="how many runs on what nobody tampered with")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    asked = parser.parse_args()
    sys.exit(asyncio.run(main(asked.count, asked.clean, asked.seed)))
