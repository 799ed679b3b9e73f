"""Five years pass over random cases: `python tests/rules/five_years.py 1000` counts what passed in silence.

People act now and then, or not at all; the clock acts at every deadline. After each span of time no deadline of a
case lies behind, and no open case is without a deadline and without somebody whose turn it is.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from random import Random
from time import perf_counter

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from random_walk import Walk, begun  # noqa: E402
from rules_wishes import some_day, wish  # noqa: E402

from domain.calendar import after_months  # noqa: E402
from domain.refusals import Refusal  # noqa: E402
from domain.timers import deadlines, waits  # noqa: E402

YEARS = 5


def live(story: Walk, rng: Random, found: Counter[str]) -> None:
    """Let five years pass over one case."""
    until = after_months(story.now, 12 * YEARS)
    diligence = rng.choice((0.0, 0.3, 0.8))
    while story.now < until:
        found["steps of the clock"] += len(story.pass_time(some_day(rng.getrandbits(32))))
        due = deadlines(story.state)
        found["deadlines passed in silence"] += sum(one.due_at <= story.now for one in due)
        found["open cases without a deadline"] += story.state.is_open and not due
        found["open cases without an owner"] += sum(not one.owner for one in waits(story.state))
        if rng.random() < diligence:
            asked = wish(story, rng.getrandbits(32))
            outcome = story.do(asked.person, asked.name, asked.data, **asked.around)
            found["commands accepted"] += not isinstance(outcome, Refusal)
    found["cases"] += 1
    found[f"{story.state.status} after {YEARS} years"] += 1


def five_years(cases: int, seed: int) -> Counter[str]:
    """What became of *cases* cases."""
    rng, starts, found = Random(seed), begun(), Counter[str]()
    for _ in range(cases):
        live(rng.choice(starts).from_here(), rng, found)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("cases", type=int, nargs="?", default=1000)
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    start = perf_counter()
    for what, count in sorted(five_years(told.cases, told.seed).items()):
        print(f"{count:>10,}  {what}")
    print(f"{perf_counter() - start:>10.1f}  seconds")
