"""Thousands of needs in one table, committed while coordinators work: what they wait, and that no need is lost."""

import asyncio
import csv
import io
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import httpx

from bench.acts import end_of
from bench.figures import Figures
from bench.stand import Stand, stand
from bench.turns import NotAccepted, Tell
from domain.stages.intake import ReferNeed
from gateway.batches.columns import COLUMNS
from workers.play.script import load

BANK: Final = "sato"
COORDINATOR: Final = "tanaka"
_THINKS: Final = 0.25
"""Seconds between a coordinator's answer and the next command."""
_QUIET: Final = 10.0
_LOOKS: Final = 1.0
_AHEAD: Final = {"desired_by": "2099-03-31", "consent.valid_until": "2099-03-31"}
"""Behind the clock of the bench, which stands years after that of the examples."""
_WEIGHTS: Final = (1, 2)


@dataclass(frozen=True)
class Plan:
    """How many rows, and how many coordinators work meanwhile."""

    rows: int = 5_000
    coordinators: int = 4
    cases: int = 25
    """How many cases each of them works on in turn."""
    quiet: float = _QUIET
    """Seconds in which the coordinators are measured before the table comes."""


QUICK: Final = Plan(rows=10, coordinators=1, cases=2, quiet=0.5)


def table(rows: int, name: str = "BENCH") -> bytes:
    """A CSV of *rows* needs, each of a company of its own."""
    told = io.StringIO()
    writer = csv.writer(told)
    writer.writerow([one.header("ja") for one in COLUMNS])
    for number in range(rows):
        own = {
            "bank_reference": f"{name}-{number:05d}",
            "company.corporate_number": _corporate_number(number),
            "company.name": f"見本製作所{number}",
            **_AHEAD,
        }
        writer.writerow([own.get(one.field, one.example) for one in COLUMNS])
    return told.getvalue().encode()


def _corporate_number(number: int) -> str:
    digits = f"{880_000_000_000 + number}"
    weighted = sum(int(digit) * _WEIGHTS[place % 2] for place, digit in enumerate(reversed(digits)))
    return f"{9 - weighted % 9}{digits}"


async def measure(plan: Plan, tell: Tell) -> Figures:
    """Commit a table while coordinators work. Raises NotAccepted, NotReady, EmbeddedServerError."""
    script = load("ceramics")
    tell("starting PostgreSQL, Temporal, the worker and the gateway")
    async with stand(script) as running, running.people() as people:
        await running.store.clock.move(end_of(script), freeze=False)
        opened = [await _opened(people[BANK]) for _ in range(plan.coordinators * plan.cases)]
        cases = [opened[place :: plan.coordinators] for place in range(plan.coordinators)]
        tell("the coordinators work alone")
        quiet = await _work(people[COORDINATOR], cases, asyncio.create_task(asyncio.sleep(plan.quiet)))
        began = time.perf_counter()
        batch = await _checked(people[BANK], table(plan.rows))
        check = time.perf_counter() - began
        began = time.perf_counter()
        committing = asyncio.create_task(_committed(people[BANK], batch, plan.rows, tell))
        busy = await _work(people[COORDINATOR], cases, committing)
        took = time.perf_counter() - began
        counts = await kept(running, plan.rows)
    figures = {
        "rows": plan.rows,
        "check_s": round(check, 2),
        "commit_s": round(took, 1),
        "rows_per_second": round(plan.rows / took, 1),
        **counts,
        "load_1m": round(os.getloadavg()[0], 1),
        **_times("alone", quiet),
        **_times("meanwhile", busy),
    }
    ratios = {f"{name}_meanwhile_vs_alone": _ratio(figures, name) for name in ("p50", "p99")}
    return Figures("batch", figures, ratios)


async def _opened(bank: httpx.AsyncClient) -> str:
    consent = {**ReferNeed.example["consent"], "valid_until": _AHEAD["consent.valid_until"]}
    own = {"bank_reference": uuid4().hex, "desired_by": _AHEAD["desired_by"], "consent": consent}
    answer = await bank.post("/v1/needs", json={"data": {**ReferNeed.example, **own}})
    return str(_accepted(answer)["case_id"])


async def _work(person: httpx.AsyncClient, cases: Sequence[Sequence[str]], until: "asyncio.Task[None]") -> list[float]:
    """The seconds of each command that coordinators give, each on cases of their own in turn, until *until* is done."""

    async def one(own: Sequence[str]) -> list[float]:
        found: list[float] = []
        while not until.done():
            case_id, body = own[len(found) % len(own)], {"data": {"text": "電話で確認した。"}}
            began = time.perf_counter()
            _accepted(await person.post(f"/v1/cases/{case_id}/commands/AddNote", json=body))
            found.append(time.perf_counter() - began)
            await asyncio.sleep(_THINKS)
        return found

    many = await asyncio.gather(*(one(own) for own in cases))
    await until
    return sorted(took for each in many for took in each)


async def _checked(bank: httpx.AsyncClient, content: bytes) -> str:
    answer = await bank.post("/v1/intake-batches", content=content, headers={"Content-Type": "text/csv"}, timeout=300)
    return str(_accepted(answer)["batch_id"])


async def _committed(bank: httpx.AsyncClient, batch_id: str, rows: int, tell: Tell) -> None:
    address = f"/v1/intake-batches/{batch_id}"
    told = _accepted(await bank.post(f"{address}/commit"))
    while told["state"] == "committing":
        tell(f"{told['rows']['committed']} of {rows} rows are committed")
        await asyncio.sleep(_LOOKS)
        told = _accepted(await bank.get(address))
    if told["rows"]["committed"] != rows:
        raise NotAccepted(f"the batch ended as {told['state']} with {told['rows']}")


async def kept(running: Stand, rows: int, name: str = "BENCH") -> dict[str, int]:
    """Of how many rows of the `table` *name* there is no case, and of how many more than one."""
    found: Counter[str] = Counter()
    after = 0
    while events := await running.store.ledger.read_all(after, 5_000):
        after = events[-1][0]
        referred = (event.data.model_dump() for _, event in events if event.type == "NeedReferred")
        found.update(one["bank_reference"] for one in referred)
    ours = [found[f"{name}-{number:05d}"] for number in range(rows)]
    return {"lost": ours.count(0), "doubled": sum(one > 1 for one in ours)}


def _accepted(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        raise NotAccepted(f"{answer.request.url.path}: {answer.status_code} {answer.text[:300]}")
    told: dict[str, Any] = answer.json()
    return told


def _times(name: str, took: Sequence[float]) -> dict[str, float]:
    """*took*, in order, as figures."""
    at = {share: took[min(len(took) - 1, len(took) * share // 100)] for share in (50, 99)}
    return {
        f"commands_{name}": len(took),
        **{f"p{share}_ms_{name}": round(1000 * seconds, 1) for share, seconds in at.items()},
        f"max_ms_{name}": round(1000 * took[-1], 1),
    }


def _ratio(figures: dict[str, float], name: str) -> float:
    return round(figures[f"{name}_ms_meanwhile"] / figures[f"{name}_ms_alone"], 2)
