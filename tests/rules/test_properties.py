"""What holds whatever people do, in whatever order: the invariants of `domain.md` 6c, and the record itself.

HASHI_RULES_EXAMPLES=2000 runs the machine long, on new examples each time, and shrinks what it finds.
"""

import json
import os
from collections import Counter
from typing import Any, Final

import pytest
from hypothesis import Phase, settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from rules_invariants import problems, step_of
from rules_story import ACTORS, TO_EXPERTS, Story
from rules_wishes import some_day, wish

from domain.case import evolve, fold
from domain.law import RULES
from domain.refusals import SENTENCES, Refusal
from domain.state import Case
from domain.visibility import is_party

STARTS: Final = (
    "referred",
    "in_review",
    "searching",
    "offered",
    "assigned",
    "visited",
    "reported",
    "report_confirmed",
    "drafted",
    "approved",
    "signed",
    "in_research",
    "with_invention",
    "licensed",
)
TALLY: Final[Counter[str]] = Counter()
SEEDS: Final = strategies.integers(0, 2**32 - 1)


class AnyOrder(RuleBasedStateMachine):
    """Anybody does anything at any time; only a Refusal may say no."""

    @initialize(start=strategies.sampled_from(STARTS))
    def begin(self, start: str) -> None:
        self.story = Story()
        getattr(self.story, start)(description="CANARY-description")

    @rule(seed=SEEDS)
    def act(self, seed: int) -> None:
        before, asked = self.story.case, wish(self.story, seed)
        outcome = self.story.do(asked.person, asked.name, asked.data, **asked.around)
        if isinstance(outcome, Refusal):
            TALLY["refused"] += 1
            assert self.story.case is before and outcome.code in SENTENCES
        elif outcome:
            TALLY["accepted"] += 1
            self.judge(asked.person, before, outcome)

    @rule(seed=SEEDS)
    def wait(self, seed: int) -> None:
        before, count = self.story.case, len(self.story.events)
        self.story.pass_time(some_day(seed))
        if len(self.story.events) > count:
            self.judge("system", before, tuple(self.story.events[count:]))

    def judge(self, person: str, before: Case | None, new: Any) -> None:
        found = list(problems(step_of(self.story, person, before, new)))
        assert not found, "\n".join(found)

    @invariant()
    def the_state_is_what_its_events_say(self) -> None:
        if TALLY.total() % 8 == 0:
            assert self.story.refolded() == self.story.case


def test_the_invariants_hold_in_any_order() -> None:
    examples = int(os.environ.get("HASHI_RULES_EXAMPLES", "60"))
    TALLY.clear()
    phases = [one for one in Phase if one is not Phase.shrink or "HASHI_RULES_EXAMPLES" in os.environ]
    chosen = settings(max_examples=examples, stateful_step_count=40, phases=phases)
    run_state_machine_as_test(AnyOrder, settings=chosen)
    asked, accepted = TALLY["accepted"] + TALLY["refused"], TALLY["accepted"]
    print(f"{asked} commands, {accepted} accepted")
    assert accepted * 3 >= asked


@pytest.mark.parametrize("start", STARTS)
def test_evolving_one_by_one_is_folding_and_changes_no_earlier_state(start: str) -> None:
    story = Story()
    getattr(story, start)()
    states: list[Case] = []
    for event in story.events:
        states.append(evolve(states[-1] if states else None, event))
    assert states == [fold(story.events[:place]) for place in range(1, len(states) + 1)]
    assert states[-1] == story.case


CASE_RULES: Final = sorted(name for name, one in RULES.items() if one.stream == "case")


@pytest.mark.parametrize("name", CASE_RULES)
def test_an_example_is_a_body_and_survives_json(name: str) -> None:
    body = RULES[name].data.model_validate_json(json.dumps(RULES[name].data.example))  # type: ignore[attr-defined]
    kept = json.dumps(body.model_dump(mode="json", exclude_none=True, by_alias=True))
    assert type(body).model_validate_json(kept) == body


@pytest.mark.parametrize("name", CASE_RULES)
def test_the_wrong_role_is_told_that_it_may_not(name: str) -> None:
    story = Story().with_invention(consent=TO_EXPERTS)
    story.must("tanaka", "ConsultSpecialist", {"expert_kind": "lawyer", "expert_id": "hori", "question": "?"})
    data = RULES[name].data.example  # type: ignore[attr-defined]
    for person, actor in ACTORS.items():
        if actor.role not in RULES[name].by:
            party = is_party(story.state, actor, story.now)
            assert story.says(person, name, data, reason="other") == ("not_permitted" if party else "unknown_case")


@pytest.mark.parametrize("name", [one for one in CASE_RULES if RULES[one].opens])
def test_the_wrong_role_opens_no_case(name: str) -> None:
    for person, actor in ACTORS.items():
        if actor.role not in RULES[name].by:
            assert Story().says(person, name, RULES[name].data.example) == "not_permitted"  # type: ignore[attr-defined]
