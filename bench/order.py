"""Whether the order can be trusted: eight writers, three followers, and kill -9 of writers, relays and the server.

Afterwards the journals of the writers, the ledger and what each follower saw are compared: nothing that was answered is
lost, nothing is there twice, no follower missed an event, saw one twice or saw one late.
"""

import asyncio
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import psycopg

import migrations
from bench.figures import Figures
from bench.order_side import FOLLOWERS, Tried, read_journal, run
from bench.turns import NotAccepted, Tell
from store.pool import connect_arguments
from workers.embedded import Stack, throwaway

FAULTS: Final = ("lost", "doubled", "out_of_order", "refused")
"""The figures that must be 0."""
_CONTEXT: Final = get_context("forkserver")  # a process that was killed is there again at once
_RELAYS: Final = 2
_VICTIMS: Final = ("writer",) * 4 + ("relay",) * 2 + ("server",)
_DRAIN: Final = 60.0
_SEEN: Final = """
CREATE TABLE public.order_seen (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, follower text NOT NULL, position bigint NOT NULL);
GRANT INSERT ON public.order_seen TO hashi_app;
"""
_NO_LOCK: Final = """
DO $$
DECLARE
    whole constant text := pg_get_functiondef('hashi.append(jsonb, bytea[])'::regprocedure);
    without constant text := replace(whole, 'PERFORM pg_advisory_xact_lock(4919412001);', '');
BEGIN
    IF without = whole THEN
        RAISE EXCEPTION 'hashi.append takes its lock in a way that this does not know';
    END IF;
    EXECUTE without;
END $$;
"""
_NAIVE: Final = """
CREATE SEQUENCE public.naive;
CREATE FUNCTION public.naive() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.position := nextval(''public.naive''); RETURN NEW; END';
CREATE TRIGGER naive BEFORE INSERT ON hashi.events FOR EACH ROW EXECUTE FUNCTION public.naive();
"""
WITHOUT: Final[Mapping[str, tuple[str, ...]]] = {"lock": (_NO_LOCK,), "positions": (_NO_LOCK, _NAIVE)}
"""What may be taken away, to see that the run finds it: the lock, and with it the positions (a sequence instead)."""
_KEPT: Final = "SELECT position, stream, version, command_id FROM hashi.events ORDER BY position"
_SAW: Final = "SELECT position FROM public.order_seen WHERE follower = %s ORDER BY n"
_UNHASHED: Final = r"""
SELECT count(*) FROM hashi.events LEFT JOIN hashi.log_leaves USING (position)
WHERE leaf_hash IS DISTINCT FROM sha256('\x00'::bytea || body)
"""


@dataclass(frozen=True)
class Plan:
    """How long, and by which chance; *fast* leaves out fsync, which a kill does not need."""

    seconds: float = 60.0
    seed: int = 1
    without: str | None = None
    fast: bool = False
    writers: int = 8


class Kept(NamedTuple):
    """What the ledger says of an event."""

    position: int
    stream: str
    version: int
    command_id: str


@dataclass
class Said:
    """What the journals say: commands in the order of trying, and what came back."""

    tried: dict[str, Tried] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    after: dict[str, int] = field(default_factory=dict)
    """The position that the writer of a command had been told of before it first sent the command."""
    met: Counter[str] = field(default_factory=Counter)

    def hear(self, journal: Path) -> None:
        """Take in one writer's journal."""
        known = 0
        for line in read_journal(journal):
            if "tried" in line:
                one = Tried(**line["tried"])
                self.tried[one.command_id], self.after[one.command_id] = one, known
            elif "answered" in line:
                self.answered.add(line["answered"])
                known = max(known, line["position"] or 0)
                self.met["resent"] += line["position"] is None
            else:
                self.met[line["met"]] += 1


@dataclass
class Field:
    """Everything that runs, and what was killed of it."""

    stack: Stack
    home: Path
    seed: int
    writers: list[BaseProcess] = field(default_factory=list)
    relays: list[BaseProcess] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)

    def start(self, kind: str, number: int) -> BaseProcess:
        """A writer or a relay."""
        words = (self.stack.database_url, self.home, kind, number, self.seed)
        process = _CONTEXT.Process(target=run, args=words, daemon=True)
        process.start()
        return process

    async def kill_one(self, chance: Random) -> None:
        """Kill -9 something, and start it again."""
        kind = chance.choice(_VICTIMS)
        self.killed[kind] += 1
        if kind == "server":
            await self.stack.kill_postgres()
            await asyncio.sleep(chance.uniform(0, 0.3))
            await self.stack.restart_postgres()
            return
        many = self.writers if kind == "writer" else self.relays
        number = chance.randrange(len(many))
        end(many[number])
        many[number] = self.start(kind, number)

    async def drain(self) -> None:
        """Let the writers finish and the followers catch up. Raises NotAccepted when a writer does not."""
        (self.home / "stop").touch()
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN):
                while any(one.is_alive() for one in self.writers):  # noqa: ASYNC110 - other processes
                    await asyncio.sleep(0.05)
        ends = [one.exitcode for one in self.writers]
        if ends != [0] * len(ends):
            raise NotAccepted(f"writers did not come to a good end; their exit statuses: {ends}")
        with suppress(TimeoutError):  # what is not seen by then is missed
            async with asyncio.timeout(_DRAIN / 4):
                while not await asyncio.to_thread(self._is_followed):  # noqa: ASYNC110 - other processes
                    await asyncio.sleep(0.1)

    def _is_followed(self) -> bool:
        query = "SELECT min(position) = (SELECT max(position) FROM hashi.events) FROM hashi.checkpoints"
        return bool(_ask(self.stack.database_url, query)[0][0])


def end(process: BaseProcess) -> None:
    """Kill -9 *process* and wait until it is gone."""
    process.kill()
    process.join()


async def measure(plan: Plan, tell: Tell) -> Figures:
    """Run, kill, and compare. Raises NotAccepted when the run does not come to an end."""
    tell("starting PostgreSQL")
    with tempfile.TemporaryDirectory(prefix="hashi-order-", ignore_cleanup_errors=True) as folder:
        async with throwaway(in_memory_temporal=True, fast=plan.fast) as stack:
            await stack.kill_temporal()  # it is not asked
            await asyncio.to_thread(migrations.upgrade, stack.database_url)
            for statement in (_SEEN, *WITHOUT.get(plan.without or "", ())):
                _ask(stack.database_url, statement)
            running = Field(stack, Path(folder), plan.seed)
            try:
                await _run(running, plan, tell)
                return await asyncio.to_thread(_compare, running, plan)
            finally:
                for one in (*running.writers, *running.relays):
                    end(one)


async def _run(running: Field, plan: Plan, tell: Tell) -> None:
    loop, chance = asyncio.get_running_loop(), Random(plan.seed)
    _CONTEXT.set_forkserver_preload([run.__module__])
    running.relays += [running.start("relay", number) for number in range(_RELAYS)]
    running.writers += [running.start("writer", number) for number in range(plan.writers)]
    while not _ask(running.stack.database_url, "SELECT true FROM public.order_seen LIMIT 1"):
        if not all(one.is_alive() for one in (*running.relays, *running.writers)):
            raise NotAccepted("a writer or a relay ended before anything was killed")
        await asyncio.sleep(0.1)
    until = loop.time() + plan.seconds
    while loop.time() < until:
        tell(f"{sum(running.killed.values())} killed, {until - loop.time():.0f} s to go")
        await asyncio.sleep(chance.uniform(0.1, 0.9))
        await running.kill_one(chance)
    tell("letting everything come to its end")
    await running.drain()


def _compare(running: Field, plan: Plan) -> Figures:
    url, said = running.stack.database_url, Said()
    for number in range(plan.writers):
        said.hear(running.home / f"writer-{number}.jsonl")
    kept = [Kept(*row) for row in _ask(url, _KEPT)]
    found = Counter({"lost": int(_ask(url, _UNHASHED)[0][0]), "refused": said.met["failed"]})
    found.update(faults_of_ledger(kept, said))
    for name in FOLLOWERS:
        found.update(faults_of_follower([position for (position,) in _ask(url, _SAW, name)], kept))
    counts = {"events": len(kept), "commands": len(said.answered), "conflicts": said.met["conflict"]}
    counts["resent"] = said.met["resent"]
    kills = {f"kills_of_{kind}s": running.killed[kind] for kind in ("writer", "relay", "server")}
    figures = {**counts, "kills": sum(running.killed.values()), **kills}
    return Figures("order", {**figures, **{one: found[one] for one in FAULTS}, "seed": plan.seed}, {})


def faults_of_ledger(kept: Sequence[Kept], said: Said) -> Counter[str]:
    """What is wrong with the ledger, by kind: against itself, and against what the writers were told."""
    of_command = Counter(one.command_id for one in kept)
    first = {one.command_id: one.position for one in reversed(kept)}
    streams: dict[str, list[int]] = defaultdict(list)
    for one in kept:
        streams[one.stream].append(one.version)
    return Counter(
        lost=sum(of_command[one] < said.tried[one].count for one in said.answered),
        doubled=sum(of_command[one] > tried.count for one, tried in said.tried.items()),
        out_of_order=sum(one.position != n for n, one in enumerate(kept, 1))
        + sum(versions != list(range(1, len(versions) + 1)) for versions in streams.values())
        + sum(len(list(many)) != of_command[one] for one, many in groupby(kept, itemgetter(3)))
        + sum(position <= said.after.get(one, 0) for one, position in first.items()),
    )


def faults_of_follower(seen: Sequence[int], kept: Iterable[Kept]) -> Counter[str]:
    """What a follower missed, saw twice, or saw after a later one."""
    return Counter(
        lost=len({one.position for one in kept} - {*seen}),
        doubled=len(seen) - len({*seen}),
        out_of_order=sum(later < sooner for sooner, later in pairwise(seen)),
    )


def _ask(url: str, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(**connect_arguments(url, role=None)) as connection:
        connection.execute("SET statement_timeout = 0")
        cursor = connection.execute(query.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []
