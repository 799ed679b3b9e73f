"""Walk at random through the law, as fast as it goes: `python tests/rules/random_walk.py 1000000 --jobs 2`.

Anybody gives plausible commands in any order, time passes, timers act; only a Refusal may say no. Prints what was
reached. Every case is folded anew at its end, and its bank's numbers are counted anew.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from copy import copy
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from rules_invariants import problems, step_of  # noqa: E402
from rules_story import ACTORS, NEED, ORGS, PEOPLE, Story  # noqa: E402
from rules_wishes import REASONS, Wish, some_day, wish  # noqa: E402

from domain.case import decide, fold, record  # noqa: E402
from domain.envelope import Command, Context, Directory, Reason  # noqa: E402
from domain.following import as_attached  # noqa: E402
from domain.law import FACTS, RULES  # noqa: E402
from domain.refusals import SENTENCES, Refusal  # noqa: E402
from domain.state import Case  # noqa: E402
from domain.terms import Disposition, Stage  # noqa: E402
from domain.views import seen_events  # noqa: E402

STARTS: Final = (
    *("referred", "in_review", "triaged", "searching", "offered", "assigned", "visited", "reported"),
    *("report_confirmed", "drafted", "approved", "signed", "in_research", "with_invention", "licensed"),
)
OTHER_CASES: Final = ("in_review", "searching", "drafted")
"""Where the cases stand that a case may be merged with."""
PART: Final = 20_000
"""Commands of one part; what is reached does not depend on how many processes share the parts."""
LEAST: Final = 4
"""A case with fewer events began in the walk; they count as reached."""
LONGEST: Final = 120
"""Commands in one case at most; then another case begins."""
DOCUMENTS: Final = {
    one: sha256(one.encode()).hexdigest()
    for one in ("doc_consent", "doc_agreement", "doc_evidence", "doc_sheet", "doc_yes")
}
EVERYTHING: Final = Directory(organizations=ORGS, people=PEOPLE, documents=DOCUMENTS)
_READERS: Final = {"jfs-fukuoka": "sato", "jfs-saga": "ide"}


class Walk(Story):
    """A story without looking up: every organization, person and document is known to it."""

    def command(self, person: str, name: str, data: Mapping[str, Any] | None = None, **around: Any) -> Command:
        """A command as somebody gives it, its data checked."""
        self._count += 1
        if isinstance(reason := around.get("reason"), str):
            around["reason"] = Reason(code=reason)
        elif isinstance(reason, Mapping):
            around["reason"] = Reason(**reason)
        body = RULES[name].data.model_validate(data or {})
        around["command_id"] = f"{self.case_id}-{self._count}"
        return Command(case_id=self.case_id, name=name, data=body, actor=ACTORS[person], **around)

    def give(self, command: Command) -> Any:
        """Decide *command* now and record what it causes."""
        self.last = command
        context = Context(now=self.now, case_no="K2026-000001", directory=EVERYTHING, others=self.others)
        facts = decide(self.case, command, context)
        if isinstance(facts, Refusal) or not facts:
            return facts
        events, self.case = record(self.case, command, facts, context)
        self.events.extend(events)
        return events

    def from_here(self) -> "Walk":
        """The same story, to go on with in another way."""
        other = copy(self)
        other.events = list(self.events)
        return other


@dataclass
class Reached:
    """What walks have come to."""

    cases: int = 0
    due: int = 0
    """Steps of timers, which are the clock's commands; not counted among those of people."""
    longest: int = 0
    """Events of the longest case."""
    asked: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Reached") -> None:
        """Count what *other* came to as well."""
        self.cases += other.cases
        self.due += other.due
        self.longest = max(self.longest, other.longest)
        for name, counts in vars(other).items():
            if isinstance(counts, Counter):
                getattr(self, name).update(counts)


def begun() -> list[Walk]:
    """A walk at every starting point of the told stories."""
    walks = []
    for start in STARTS:
        one = Walk()
        getattr(one, start)(description="CANARY-description")
        walks.append(one)
    others = {f"case-c{place}": _other(f"c{place}", start) for place, start in enumerate(OTHER_CASES, 2)}
    walks.append(Walk().must("tanaka", "OpenCase", {"origin": "seed", "company_id": "ariake"}))
    for one in walks:
        one.others = others
    return walks


def _other(case_id: str, start: str) -> Case:
    story: Walk = getattr(Walk(case_id=case_id), start)()
    return story.state


MORE: Final[Mapping[str, Callable[[Random], Mapping[str, Any]]]] = {
    "CloseCase": lambda rng: {"disposition": rng.choice([*Disposition]).value},
    "RecordStartup": lambda rng: {"startup_company_id": "model-mouse", "result": rng.choice(["founded", "listed"])},
    "ConcludeSearchEmpty": lambda rng: {},
    "ShortlistResearchers": lambda rng: {"candidates": []},
    "WidenSearch": lambda rng: {},
    "MergeCases": lambda rng: {rng.choice(["surviving_case_id", "absorbed_case_id"]): rng.choice(["c2", "c3", "c4"])},
    "ConfirmDecision": lambda rng: {},
    "RequestCancellation": lambda rng: {},
}
"""Rare wishes, wished more often."""
GIVERS: Final = ("tanaka", "mori", "mizuki", "ueno", "sato", "arita")


def _rare(rng: Random) -> Wish:
    name = rng.choice([*MORE])
    around = {"reason": rng.choice(REASONS)} if rng.random() < 0.8 else {}
    if rng.random() < 0.1:
        around["expected_version"] = rng.randint(1, 40)
    return Wish(rng.choice(GIVERS), name, MORE[name](rng), around)


def walk(commands: int, seed: int = 1, judge: int = 0) -> Reached:
    """Give *commands* random commands from *seed* on; judge every *judge*-th accepted one by the invariants."""
    reached, rng, starts = Reached(), Random(seed), begun()
    left = commands
    while left > 0:
        if rng.random() < 0.9:
            story = rng.choice(starts).from_here()
        else:
            story, left = _opened(rng, reached), left - 1
        first = 0 if len(story.events) < LEAST else len(story.events)
        for _ in range(min(LONGEST, left)):
            left -= 1
            if rng.random() < 0.25:
                reached.due += len(story.pass_time(some_day(rng.getrandbits(32))))
            _ask(story, rng.getrandbits(32), reached, judge)
        _end(story, first, reached)
    return reached


def _opened(rng: Random, reached: Reached) -> Walk:
    """A case that begins in the walk itself."""
    story = Walk()
    person, name, data = rng.choice((("sato", "ReferNeed", NEED), ("tanaka", "OpenCase", {"origin": "seed"})))
    outcome = story.do(person, name, data)
    assert not isinstance(outcome, Refusal)
    reached.asked[name] += 1
    reached.accepted[name] += 1
    return story


def _ask(story: Walk, seed: int, reached: Reached, judge: int) -> None:
    rng, before = Random(seed), story.case
    asked = _rare(rng) if rng.random() < 0.1 else wish(story, seed)
    outcome = story.do(asked.person, asked.name, asked.data, **asked.around)
    reached.asked[asked.name] += 1
    if isinstance(outcome, Refusal):
        reached.codes[outcome.code] += 1
    elif outcome:
        reached.accepted[asked.name] += 1
        if judge and reached.accepted.total() % judge == 0:
            reached.faults.update(one.split(":")[0] for one in problems(step_of(story, asked.person, before, outcome)))


def _end(story: Walk, first: int, reached: Reached) -> None:
    case = story.state
    if fold(story.events) != case:
        reached.faults["the state is not what its events say"] += 1
    reached.faults.update(_miscounted(story, case))
    reached.events.update(one.type for one in story.events[first:])
    reached.ends.update(one.data.disposition.value for one in story.events[first:] if one.type == "CaseClosed")
    reached.stages[case.furthest_stage.value] += 1
    reached.cases += 1
    reached.longest = max(reached.longest, case.version)


def _miscounted(story: Walk, case: Case) -> Iterable[str]:
    """What is wrong with the numbers of the banks, each of whose referrals is followed by itself."""
    for one in case.referrals:
        seen = seen_events(story.events, ACTORS[_READERS[one.bank_id]], as_attached(case, one), story.now)
        if len(seen) != one.seen:
            yield "a bank's number is not the count of what it sees"


def _listed(title: str, counts: Counter[str], every: Iterable[str]) -> str:
    names = list(every)
    missing = sorted(set(names) - {name for name, count in counts.items() if count})
    rows = ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])))
    return f"{title} {len(names) - len(missing)}/{len(names)}: {rows}\n  never: {', '.join(missing) or '-'}"


def table(reached: Reached, seconds: float) -> str:
    """What was reached, as text."""
    asked, accepted = reached.asked.total(), reached.accepted.total()
    given = reached.accepted + Counter(FallDue=reached.due)
    commands = [name for name, one in RULES.items() if one.stream == "case"]
    facts = [name for name, one in FACTS.items() if one.stream == "case"]
    share = f"{accepted / asked:.1%}" if asked else "-"
    head = f"{asked:,} commands, {accepted:,} accepted ({share}), {reached.events.total():,} events"
    size = f"{reached.cases:,} cases of up to {reached.longest:,} events"
    return "\n".join(
        (
            f"{head}, {size} in {seconds:.1f} s: {asked / seconds:,.0f} commands/s",
            _listed("commands accepted", given, commands),
            _listed("events", reached.events, facts),
            _listed("codes", reached.codes, SENTENCES),
            _listed("dispositions", reached.ends, Disposition),
            _listed("furthest stages", reached.stages, Stage),
            f"claims broken: {dict(reached.faults) or '-'}",
        )
    )


def _one_walk(parts: tuple[int, int, int]) -> Reached:
    return walk(*parts)


def main() -> int:
    """Walk as the command line says and print the table; 1 where something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("commands", type=int, nargs="?", default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--judge", type=int, default=0, help="judge every n-th accepted command by the invariants")
    told = parser.parse_args()
    sizes = [min(PART, told.commands - done) for done in range(0, told.commands, PART)]
    parts = [(size, told.seed + number, told.judge) for number, size in enumerate(sizes)]
    begin, reached = perf_counter(), Reached()
    with ProcessPoolExecutor(told.jobs) as pool:
        for one in pool.map(_one_walk, parts):
            reached.add(one)
    print(table(reached, perf_counter() - begin))
    return int(bool(reached.faults))


if __name__ == "__main__":
    sys.exit(main())
