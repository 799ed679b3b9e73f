"""How fast the law is: `python tests/rules/law_rate.py` decides and evolves a told case's commands again and again.

One process, one core, no database: the rate of `decide` followed by `evolve` of its events, for each accepted command.
"""

import sys
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from rules_story import Story  # noqa: E402

from domain.case import decide, evolve, record  # noqa: E402
from domain.envelope import Command, Context, Event  # noqa: E402
from domain.refusals import Refusal  # noqa: E402
from domain.state import Case  # noqa: E402

ROUNDS, SECONDS = 7, 1.0


class Noted(Story):
    """A story that keeps what each of its commands was decided on."""

    def __init__(self) -> None:
        super().__init__()
        self.acts: list[tuple[Case | None, Command, Context, tuple[Event, ...]]] = []

    def give(self, command: Command) -> Any:
        """Decide, record, and keep both."""
        before = self.case
        context = Context(
            now=self.now, case_no="K2026-000001", directory=self.directory(command), others=dict(self.others)
        )
        facts = decide(before, command, context)
        if isinstance(facts, Refusal) or not facts:
            return facts
        events, self.case = record(before, command, facts, context)
        self.events.extend(events)
        self.acts.append((before, command, context, events))
        return events


def rate(acts: list[tuple[Case | None, Command, Context, tuple[Event, ...]]]) -> float:
    """Commands a second in one round."""
    done, began = 0, perf_counter()
    while perf_counter() - began < SECONDS:
        for case, command, context, events in acts:
            assert not isinstance(decide(case, command, context), Refusal)
            state = case
            for event in events:
                state = evolve(state, event)
        done += len(acts)
    return done / (perf_counter() - began)


if __name__ == "__main__":
    told = Noted()
    told.licensed()
    rates = sorted(rate(told.acts) for _ in range(ROUNDS))
    print(f"{len(told.acts)} commands, {median(rates):,.0f} a second ({rates[0]:,.0f} to {rates[-1]:,.0f})")
