"""Both times of a case, what was known and what was true at a moment, against a naive replay of random cases."""

from datetime import datetime, timedelta
from random import Random

import pytest
from random_walk import STARTS, Walk
from rules_story import ACTORS, CONSENT, SIGNING, START, VISIT, Story
from rules_wishes import some_day, wish

from domain.as_of import came_about, fold_true, known_at, true_at
from domain.case import evolve, fold
from domain.envelope import Event
from domain.state import Case
from domain.views import case_view

DAY = timedelta(days=1)
THINGS = (
    *("need", "referral", "search", "assignment", "visit", "report", "consultation", "agreement", "milestone"),
    *("invention", "publication", "transfer", "product", "consent", "nda", "erasure"),
)


def true(story: Story, moment: datetime) -> Case | None:
    return fold_true(true_at(story.events, moment))


def test_what_is_recorded_late_counts_from_its_day_in_truth_and_from_its_record_in_knowledge() -> None:
    story = Story().assigned()
    story.must("tanaka", "ScheduleVisit", VISIT)
    visit = next(iter(story.state.visits))
    held = datetime.fromisoformat(str(VISIT["at"]))
    story.pass_time(held + 9 * DAY - story.now)
    story.must("tanaka", "RecordVisitHeld", {"visit_id": visit, "at": VISIT["at"], "attended": VISIT["attendees"]})
    for moment, is_true, is_known in (
        (held - DAY, False, False),
        (held, True, False),
        (held + 8 * DAY, True, False),
        (story.now, True, True),
    ):
        then, known = true(story, moment), fold(known_at(story.events, moment))
        assert then and known
        assert (bool(then.visits[visit].held_at), bool(known.visits[visit].held_at)) == (is_true, is_known)


def test_a_signature_older_than_its_draft_waits_for_the_draft() -> None:
    story = Story().approved()
    drafted = next(event for event in story.events if event.type == "AgreementDrafted")
    signed_on = (drafted.recorded_at - 3 * DAY).date().isoformat()
    agreement = next(iter(story.state.agreements))
    story.must("ueno", "SignAgreement", {**SIGNING, "agreement_id": agreement, "signed_on": signed_on})
    signed = next(event for event in story.events if event.type == "AgreementSigned")
    assert signed.occurred_at < drafted.occurred_at
    assert dict((event.type, since) for event, since in came_about(story.events))["AgreementSigned"] == (
        drafted.occurred_at
    )
    before = true(story, drafted.occurred_at - timedelta(seconds=1))
    assert before and not before.agreements
    after = true(story, drafted.occurred_at)
    assert after and after.agreements[agreement].is_signed


def test_of_two_facts_about_one_day_the_one_recorded_later_prevails() -> None:
    story = Story().referred()
    story.must("mori", "AssignCoordinator", {"coordinator_id": "tanaka"})
    story.pass_time(5 * DAY)
    story.must("mori", "AssignCoordinator", {"coordinator_id": "kondo"}, occurred_at=story.now - 5 * DAY)
    opened = story.events[0].recorded_at
    state = true(story, opened)
    assert state and state.coordinator_id == "kondo"
    assert fold(known_at(story.events, opened)).coordinator_id == "tanaka"  # type: ignore[union-attr]


def test_a_correction_is_true_from_the_day_of_what_it_corrects_and_known_from_its_own() -> None:
    story = Story().referred()
    wrong = story.events[1]
    story.pass_time(3 * DAY)
    story.must("doi", "CorrectEvent", {"corrects_event_id": wrong.event_id, "right_value": {"title": "x"}}, reason="o")
    story.must("mori", "ConfirmDecision", {"proposal_id": next(iter(story.state.proposals))})
    state, known = true(story, wrong.occurred_at), fold(known_at(story.events, wrong.recorded_at))
    assert state and known
    assert [one.right_value for one in state.corrections] == [{"title": "x"}]
    assert known.corrections == ()


def test_before_its_opening_nothing_of_a_case_is_known_or_true() -> None:
    story = Story().referred()
    story.must("mori", "AssignCoordinator", {"coordinator_id": "tanaka"}, occurred_at=story.now - 5 * DAY)
    assert true(story, START - DAY) is None
    assert fold(known_at(story.events, START - DAY)) is None


def test_an_earlier_state_shows_a_reader_nothing_that_is_withdrawn_today() -> None:
    story = Story().in_research(consent={**CONSENT, "data_classes": ["public_summary", "need_detail"]})
    then, hayashi = story.state, ACTORS["hayashi"]
    assert "description" in case_view(then, hayashi, story.now)["need"]
    consent = next(iter(then.consents))
    story.must("arita", "WithdrawConsent", {"consent_id": consent}, reason="business_change")
    shown = case_view(then, hayashi, story.now, story.state)
    assert shown["need"].keys() <= {"need_id", "documents"}
    assert shown["agreements"]
    assert case_view(then, ACTORS["kato"], story.now, story.state) == case_view(then, ACTORS["kato"], story.now)


def test_who_has_left_a_case_reads_no_earlier_state_as_one_who_takes_part() -> None:
    story = Story().reported()
    then, hayashi = story.state, ACTORS["hayashi"]
    assert "agreements" in case_view(then, hayashi, story.now)
    [asked] = [one for one in then.assignments.values() if one.researcher_id == "hayashi"]
    story.must("hayashi", "ReleaseResearcher", {"assignment_id": asked.assignment_id, "cause": "moved"}, reason="other")
    assert case_view(then, hayashi, story.now, story.state).keys() & {"agreements", "visits"} == set()


def walked(seed: int) -> tuple[Story, dict[datetime, Case]]:
    """A case at random, a third of it recorded late, and the state at each of its moments as it was then."""
    rng, story, seen = Random(seed), Walk(case_id="c"), {}
    getattr(story, rng.choice(STARTS))()
    for _ in range(40):
        asked = wish(story, rng.getrandbits(32))
        late = {"occurred_at": story.now - timedelta(hours=rng.randint(1, 700))} if rng.random() < 0.35 else {}
        story.do(asked.person, asked.name, asked.data, **{**asked.around, **late})
        if rng.random() < 0.3:
            seen[story.now] = story.state
            story.pass_time(some_day(rng.getrandbits(32)))
    seen[story.now] = story.state
    later = {event.version: event.recorded_at for event in story.events}
    return story, {at: one for at, one in seen.items() if later.get(one.version + 1) != at}


def named_in(event: Event) -> set[tuple[str, str]]:
    told = event.data.model_dump(mode="json", exclude_none=True)
    found = {(one, told[f"{one}_id"]) for one in THINGS if f"{one}_id" in told}
    return found | {(one, each) for one in THINGS for each in told.get(f"{one}_ids", ())}


def naively_true(events: list[Event], named: dict[str, set[tuple[str, str]]], moment: datetime) -> list[Event]:
    """The definition by its word: drop what has not occurred, then over and over what rests on what is not there."""
    corrected = {one.event_id: getattr(one.data, "corrects_event_id", None) for one in events}
    occurred = {one.event_id: one.occurred_at for one in events}
    rests_on = {
        one.event_id: {
            events[0].event_id,
            corrected[one.event_id] or events[0].event_id,
            *(next(each.event_id for each in events if thing in named[each.event_id]) for thing in named[one.event_id]),
        }
        for one in events
    }
    left = [one for one in events if occurred[corrected[one.event_id] or one.event_id] <= moment]
    while True:
        there = {one.event_id for one in left}
        standing = [one for one in left if rests_on[one.event_id] <= there]
        if standing == left:
            return left
        left = standing


@pytest.mark.parametrize("seed", range(6))
def test_both_times_are_those_of_a_naive_replay_of_random_cases(seed: int) -> None:
    story, seen = walked(seed)
    assert any(event.occurred_at < event.recorded_at for event in story.events)
    for moment, state in seen.items():
        assert fold(known_at(story.events, moment)) == state
    rng, named = Random(seed), {event.event_id: named_in(event) for event in story.events}
    for _ in range(8):
        known = known_at(story.events, rng.choice([*seen]))
        moment = rng.choice([event.occurred_at for event in story.events])
        found = true_at(known, moment)
        assert found == naively_true(known, named, moment)
        then: Case | None = None
        for event in found:
            then = evolve(then and then.model_copy(update={"version": event.version - 1}), event)
        assert fold_true(found) == then
        for actor in ACTORS.values():
            assert then is None or case_view(then, actor, story.now, story.state)
        assert fold_true(true_at(known, known[-1].recorded_at)) == fold(known)


@pytest.mark.parametrize("seed", range(3))
def test_where_nothing_is_recorded_late_what_was_true_is_what_was_known(seed: int) -> None:
    story, seen = walked(seed)
    at_once = [event.model_copy(update={"occurred_at": event.recorded_at}) for event in story.events]
    for moment in seen:
        late = [one for one in at_once if one.type == "CorrectionRecorded"]
        assert [one for one in true_at(at_once, moment) if one not in late] == [
            one for one in known_at(at_once, moment) if one not in late
        ]
