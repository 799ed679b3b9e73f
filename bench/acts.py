"""The commands that a benchmark sends: those of a shipped script which are accepted, ready to be sent as bytes.

A script spreads over years and the benchmark's clock stands still at its end. So the dates that lie ahead of a
command are moved behind that moment, and a visit an hour before it: every command is accepted, and nothing falls due.
"""

import itertools
import json
import os
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from domain.documents import DOCUMENT_FIELDS
from workers.play.script import Script, Step, moment_after

_YEARS_BEHIND: Final[Mapping[str, int]] = {"due_on": 1, "desired_by": 1, "ends_on": 1, "new_ends_on": 2}
"""Fields whose date begins a wait, and how many years behind the clock they are put."""
_OWN_DAYS: Final = frozenset({"signed_on", "received_on", "released_on", "founded_on", "listed_on"})
"""Fields whose date says when it happened: the day on which it is told."""
_YEAR: Final = timedelta(days=365)
_BEFORE: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Act:
    """One command of the script: who sends it, its name, and its body."""

    person: str
    command: str
    body: Mapping[str, Any]

    @property
    def opens(self) -> bool:
        """Whether it refers a need, and so opens a case."""
        return self.command == "ReferNeed"


def end_of(script: Script) -> datetime:
    """Where the clock stands after the last measured step of *script*."""
    now = script.start
    for step in _measured(script):
        if step.passes_time:
            now = moment_after(step, script.start, now)
    return now


def acts_of(script: Script) -> list[Act]:
    """The accepted commands of *script* in its order, to be sent while the clock stands at its end."""
    now = end_of(script)
    return [_act(step, now) for step in _measured(script) if _is_accepted(step)]


def _measured(script: Script) -> list[Step]:
    """The steps up to the license: what follows acts on other streams, or on events by id."""
    last = max(place for place, step in enumerate(script.steps) if step.do == "RecordLicense")
    return list(script.steps[: last + 1])


def _is_accepted(step: Step) -> bool:
    return step.do not in {None, "resend"} and not (step.expect and step.expect.rejected)


def _act(step: Step, now: datetime) -> Act:
    body: dict[str, Any] = {"data": _moved(dict(step.data), now)}
    if step.reason is not None:
        body["reason"] = {"code": step.reason} if isinstance(step.reason, str) else dict(step.reason)
    if step.evidence:
        body["evidence"] = list(step.evidence)
    return Act(str(step.actor), str(step.do), body)


def _moved(value: Any, now: datetime, name: str = "") -> Any:
    if isinstance(value, Mapping):
        return {key: _moved(item, now, key) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_moved(item, now) for item in value]
    if name in _OWN_DAYS:
        return now.date().isoformat()
    if name in _YEARS_BEHIND:
        return (now + _YEARS_BEHIND[name] * _YEAR).date().isoformat()
    return (now - _BEFORE).isoformat() if name == "at" else value


async def with_documents(acts: list[Act], people: Mapping[str, httpx.AsyncClient]) -> list[Act]:
    """*acts* with ids instead of the names of files, each file uploaded once by the first who cites it."""
    known: dict[str, str] = {}
    return [await _uploaded(act, people[act.person], known) for act in acts]


async def _uploaded(act: Act, person: httpx.AsyncClient, known: dict[str, str]) -> Act:
    body = deepcopy(dict(act.body))
    for holder, place in list(_files(body)):
        name = holder[place]
        if name not in known:
            answer = await person.post("/v1/documents", files={"file": (name, name.encode(), "text/plain")})
            answer.raise_for_status()
            known[name] = answer.json()["document_id"]
        holder[place] = known[name]
    return Act(act.person, act.command, body)


def _files(value: Any) -> Iterator[tuple[Any, Any]]:
    """Where in a body the name of a file stands, as holder and key."""
    if isinstance(value, list):
        for one in value:
            yield from _files(one)
    if isinstance(value, dict):
        for key, one in value.items():
            if key == "evidence":
                yield from ((one, place) for place in range(len(one)))
            elif (key in DOCUMENT_FIELDS or key == "document") and isinstance(one, str):
                yield value, key
            else:
                yield from _files(one)


_numbers: Final = itertools.count(1)


def body_bytes(act: Act) -> bytes:
    """The body as it is sent; a need gets a reference that no other has."""
    if not act.opens:
        return json.dumps(act.body, ensure_ascii=False).encode()
    data = {**act.body["data"], "bank_reference": f"B-{os.getpid()}-{next(_numbers):06d}"}
    return json.dumps({**act.body, "data": data}, ensure_ascii=False).encode()
