"""No case waits in silence: a model check over walks through the law (`domain.md` section 0, 6; 6d).

Every open case has a deadline, every wait has somebody whose turn it is, and every kind of wait was seen to end by
something that people may do.
"""

from collections import Counter
from datetime import timedelta
from random import Random
from typing import Final

import pytest
from five_years import five_years
from random_walk import Walk, begun
from rules_story import Story
from rules_wishes import some_day, wish

from domain.calendar import after_months
from domain.refusals import Refusal
from domain.state import Case
from domain.terms import Timer
from domain.timers import SCHEDULE, deadlines, steps_of, wait_key, waits

BY_THE_CASE: Final = {"CaseClosed", "CaseHeld", "ReminderSent", "CaseEscalated"}
"""Events that end a wait without settling what was waited for."""


def kinds(case: Case) -> dict[str, str]:
    """The waits of *case*: the kind of each, by its key."""
    return {wait_key(one.timer, one.subject): _kind(one.timer, one.subject) for one in waits(case)}


def _kind(timer: Timer, subject: str) -> str:
    return f"{timer}{subject.split(':')[0]}" if subject.startswith("~") else str(timer)


def require_told(case: Case) -> None:
    """Whoever looks at an open case finds a deadline, and somebody's name beside each."""
    due = deadlines(case)
    assert due or not case.is_open, f"{case.stage} {case.status}: nothing falls due"
    assert all(one.owner and one.to_role for one in due)
    assert all(one.owner for one in waits(case))


def walked(seed: int, commands: int, ended: Counter[str], seen: Counter[str]) -> None:
    """One walk; which kinds of waits there were, and which ended by something people did."""
    rng, starts = Random(seed), begun()
    while commands > 0:
        story = rng.choice(starts).from_here()
        for _ in range(60):
            commands -= 1
            _step(story, rng, ended, seen)


def _step(story: Walk, rng: Random, ended: Counter[str], seen: Counter[str]) -> None:
    if rng.random() < 0.2:
        story.pass_time(some_day(rng.getrandbits(32)))
        assert not [one for one in deadlines(story.state) if one.due_at <= story.now], "a deadline passed in silence"
    before = kinds(story.state)
    seen.update(set(before.values()))
    asked = wish(story, rng.getrandbits(32))
    outcome = story.do(asked.person, asked.name, asked.data, **asked.around)
    if isinstance(outcome, Refusal) or not outcome:
        return
    require_told(story.state)
    after = kinds(story.state)
    if not {one.type for one in outcome} & BY_THE_CASE:
        ended.update({kind for key, kind in before.items() if key not in after})


Settled = tuple[Story, str, str, dict[str, str]]
"""A story, and what settles its wait: who, which command, with which data."""


def _suspected() -> Settled:
    story = Story().in_review().must("tanaka", "SuspectDuplicate", {"other_case_id": "c2"})
    return story, "tanaka", "DismissDuplicate", {"other_case_id": "c2"}


def _asked_to_erase() -> Settled:
    story = Story().in_review().must("arita", "RequestErasure", {"basis": "法令"})
    return story, "doi", "DecideErasure", {"decision": "approved"}


def _searched_nationally() -> Settled:
    story = Story().searching().must("tanaka", "ShortlistResearchers", {"candidates": []}).must("tanaka", "WidenSearch")
    story.must("tanaka", "ShortlistResearchers", {"candidates": []})
    return story, "tanaka", "ConcludeSearchEmpty", {}


def _in_force() -> Settled:
    return Story().in_research(), "ueno", "TerminateAgreement", {"agreement_id": "g1"}


def test_no_wait_is_without_a_turn_a_deadline_and_an_exit() -> None:
    ended: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    walked(11, 6_000, ended, seen)
    for one, person, name, data in (_suspected(), _searched_nationally(), _asked_to_erase(), _in_force()):
        before = kinds(one.state)
        one.must(person, name, data, reason="other")
        ended.update({kind for key, kind in before.items() if key not in kinds(one.state)})
    by_the_clock_alone = {"follow_up", "silence", "held~wind_down", "search_national~nobody", "next_step~declined"}
    assert {str(one) for one in SCHEDULE} - set(seen) == {"follow_up"} - set(seen)
    assert set(seen) - set(ended) <= by_the_clock_alone


def test_every_wait_tells_somebody_within_its_first_quarter() -> None:
    """Nothing waits longer than three months before anybody hears of it, but for what lies ahead by its nature."""
    start = Story().now
    ahead = {Timer.agreement_end, Timer.consent_end, Timer.visit, Timer.milestone, Timer.follow_up}
    for timer, steps in SCHEDULE.items():
        assert timer in ahead or steps[0].due(start) <= after_months(start, 3)


@pytest.mark.parametrize("months", [6, 30, 60])
def test_an_open_case_nobody_touches_is_told_of_for_years(story: Story, months: int) -> None:
    story.must("tanaka", "OpenCase", {"origin": "seed", "company_id": "ariake"})
    story.pass_time(after_months(story.now, months))
    assert story.state.is_open and deadlines(story.state)
    story.pass_time(timedelta(days=150))
    assert story.events[-1].recorded_at > story.now - timedelta(days=150)


def test_a_proposal_a_cancellation_and_an_erasure_await_their_second_person(story: Story) -> None:
    story.in_review().must("tanaka", "DeclineNeed", reason="legal").must("sato", "RequestCancellation", reason="policy")
    story.must("arita", "RequestErasure", {"erasure_id": "e1", "basis": "法令"})
    subjects = {one.subject.split(":")[0] for one in waits(story.state) if one.subject.startswith("~")}
    assert subjects == {"~decision", "~cancellation", "~erasure"}
    story.must("mori", "ConfirmDecision").must("tanaka", "ConfirmCancellation", {"company_continues": True})
    story.must("doi", "DecideErasure", {"decision": "approved"})
    assert not [one for one in waits(story.state) if one.subject.startswith(("~decision", "~cancel", "~erasure"))]


def test_the_steps_of_a_wait_come_in_order() -> None:
    start = Story().now
    for timer, steps in SCHEDULE.items():
        due = [one.due(start) for one in steps]
        assert due == sorted(due), timer
    assert steps_of(next(iter(waits(Story().referred().state))))


def test_five_years_pass_and_nothing_is_forgotten() -> None:
    found = five_years(12, seed=5)
    assert found["cases"] == 12 and found["steps of the clock"] > 100
    assert not found["deadlines passed in silence"]
    assert not found["open cases without a deadline"] and not found["open cases without an owner"]
