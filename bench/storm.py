"""The 31st of March: thousands of agreements end at the same moment, and every case must act on its own timer.

The cases are signed in the store, and every one has its workflow and its timer in the engine. Then the clock runs
towards 18:00, and what is measured is how long after that each case had its AgreementExpired on record.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError

from bench.acts import Act, acts_of, with_documents
from bench.figures import Figures
from bench.stand import Stand, stand
from domain.calendar import JST, close_of
from domain.case import rule_of
from domain.envelope import Actor, Command, Context, Directory, Reason
from domain.refusals import Refusal
from domain.state import Case
from domain.streams import decide, record
from domain.timers import deadlines
from store.append import Append
from store.overview import overview_of
from workers.play.script import Script, load
from workers.sweeper import nudge

SIGNED_AT: Final = datetime(2027, 2, 1, 10, tzinfo=JST)
"""When every command of every case was given."""
_END: Final = datetime(2027, 3, 31, tzinfo=JST)
_LEAD: Final = timedelta(seconds=20)
"""How long before the moment every timer is set at the latest."""
_AT_ONCE: Final = 16
_PATIENCE: Final = 300.0

Tell = Callable[[str], None]


class NotSigned(Exception):
    """A command of the script was refused, so there is nothing to measure."""


@dataclass(frozen=True)
class Signing:
    """What a case is made of: the script's commands up to the signature, and who and what they mention."""

    acts: Sequence[Act]
    actors: dict[str, Actor]
    directory: Directory

    def until(self, command: str) -> "Signing":
        """The same, but no further than the last *command*."""
        last = max(place for place, act in enumerate(self.acts) if act.command == command)
        return replace(self, acts=self.acts[: last + 1])

    def events_of(self, case_id: str) -> tuple[Append, ...]:
        """The appends of one case, one for each command. Raises NotSigned when a command is refused."""
        case: Case | None = None
        appends = []
        for number, act in enumerate(self.acts):
            data = {**act.body["data"], **({"bank_reference": case_id} if act.opens else {})}
            command = Command(
                command_id=f"{case_id}-{number}",
                case_id=case_id,
                name=act.command,
                data=rule_of(act.command).data.model_validate(data),
                actor=self.actors[act.person],
                reason=Reason(**act.body["reason"]) if "reason" in act.body else None,
                evidence=tuple(act.body.get("evidence", ())),
            )
            context = Context(now=SIGNED_AT, case_no=f"K2026-{case_id[:6]}", directory=self.directory)
            facts = decide(case, command, context)
            if isinstance(facts, Refusal):
                raise NotSigned(f"{act.command}: {facts.en}")
            events, after = record(case, command, facts, context)
            assert isinstance(after, Case)
            version = case.version if case else 0
            overview = overview_of(after, deadlines(after))
            appends.append(Append(f"case-{case_id}", version, command.command_id, events, overview))
            case = after
        return tuple(appends)


async def measure(cases: int, tell: Tell) -> Figures:
    """Let *cases* agreements end at one moment. Raises NotReady, EmbeddedServerError, TimeoutError."""
    script = load("ceramics")
    tell("starting PostgreSQL, Temporal, the worker and the gateway")
    async with stand(script) as running:
        await running.store.clock.move(SIGNED_AT)
        signing = await signing_of(running, script)
        tell(f"signing {cases} agreements")
        ids = [os.urandom(16).hex() for _ in range(cases)]
        await each(ids, lambda case_id: sign(running, signing, case_id))
        due = close_of(_END.date())
        tell("letting every case set its timer")
        await _set_timers(running, ids, due)
        tell(f"waiting for {cases} agreements to end")
        late = await _ended(running, ids, due)
        return _figures(cases, late)


async def signing_of(running: Stand, script: Script) -> Signing:
    """The commands of *script* up to the signature, with everybody and everything that they mention."""
    async with running.people() as people:
        acts = await with_documents(acts_of(script), people)
    last = max(place for place, act in enumerate(acts) if act.command == "SignAgreement")
    directory = running.store.directory
    organizations = {one.org_id: one for one in await directory.organizations()}
    known = {one.person_id: one for one in await directory.people()}
    documents = {}
    for act in acts[: last + 1]:
        for document_id in _documents(act):
            found = await running.store.documents.get(document_id)
            documents[document_id] = found.ref.sha256 if found else ""
    actors = {key: Actor(role=one.role, org_id=one.org_id, person=key) for key, one in known.items()}
    return Signing(
        [_ending(act) for act in acts[: last + 1]],
        actors,
        Directory(organizations=organizations, people=known, documents=documents),
    )


def _documents(act: Act) -> set[str]:
    return {word for word in str(act.body).replace("'", " ").split() if word.startswith("doc_")}


def _ending(act: Act) -> Act:
    """*act* on the day of the signature, so that the agreement ends on the 31st of March."""
    data = dict(act.body["data"])
    if act.command == "SignAgreement":
        signed = SIGNED_AT.date().isoformat()
        data |= {"signed_on": signed, "effective_on": signed, "ends_on": _END.date().isoformat()}
    if "at" in data:
        data["at"] = (SIGNED_AT - timedelta(hours=1)).isoformat()
    if "company" in data:
        data = {name: value for name, value in data.items() if name != "company"} | {"company_id": "ariake"}
    return Act(act.person, act.command, {**act.body, "data": data})


async def sign(running: Stand, signing: Signing, case_id: str) -> None:
    """Append a case to the store, past its workflow."""
    for one in signing.events_of(case_id):
        await running.store.ledger.append(one)


async def _set_timers(running: Stand, ids: Sequence[str], due: datetime) -> None:
    """Bring every case up to the present, then let each set its timer while the clock runs."""
    await running.store.clock.move(due - timedelta(hours=1))
    await each(ids, lambda case_id: _nudged(running, case_id))
    began = asyncio.get_running_loop().time()
    await each(ids, lambda case_id: _nudged(running, case_id))
    took = timedelta(seconds=asyncio.get_running_loop().time() - began)
    await running.store.clock.move(due - 2 * took - _LEAD, freeze=False)
    await each(ids, lambda case_id: _nudged(running, case_id))


async def _nudged(running: Stand, case_id: str) -> None:
    """Let the case look into the store, again where the engine was too busy to answer in time."""
    while True:
        try:
            await nudge(running.engine, case_id)
        except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError):
            await asyncio.sleep(1)
        else:
            return


async def each(ids: Sequence[str], work: Callable[[str], Awaitable[None]]) -> None:
    """Do *work* for all, some at once."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(case_id: str) -> None:
        async with gate:
            await work(case_id)

    await asyncio.gather(*(one(case_id) for case_id in ids))


async def _ended(running: Stand, ids: Sequence[str], due: datetime) -> list[float]:
    """Seconds after *due* at which each case had its end on record."""
    async with asyncio.timeout(_PATIENCE):
        while True:
            events = [event for _, event in await running.store.ledger.read_all(0, 10_000_000)]
            late = [
                (one.recorded_at - due).total_seconds()
                for one in events
                if one.type == "AgreementExpired" and one.recorded_at >= due
            ]
            if len(late) >= len(ids):
                return sorted(late)
            await asyncio.sleep(2)


def _figures(cases: int, late: Sequence[float]) -> Figures:
    at = {f"delay_s_p{share}": round(late[min(len(late) - 1, len(late) * share // 100)], 2) for share in (50, 99)}
    figures = {"cases": cases, "acted": len(late), **at, "delay_s_max": round(late[-1], 2)}
    return Figures("storm", {**figures, "acted_per_second": round(len(late) / max(late[-1], 0.01), 1)}, {})
