"""The company learns what of it was shown to whom, and when."""

from datetime import timedelta

from rules_story import CONSENT, Story

from domain.case import evolve
from domain.disclosures import Disclosure, consent_at, disclosures
from domain.envelope import Event
from domain.state import Case
from domain.terms import Role


def steps_of(story: Story) -> list[tuple[Case, Event]]:
    """The events of the story, each with the state after it."""
    steps, case = [], None
    for event in story.events:
        case = evolve(case, event)
        assert isinstance(case, Case)
        steps.append((case, event))
    return steps


def shown(story: Story) -> tuple[Disclosure, ...]:
    """What the story disclosed."""
    return disclosures(steps_of(story))


def test_an_offer_shows_the_named_fields_and_nothing_else(story: Story) -> None:
    [*_, last] = shown(story.offered())
    assert (last.to, last.person, last.event_type) == ("kyudai", "hayashi", "AssignmentOffered")
    assert "need_detail" not in last.data_classes
    assert set(last.fields) <= {"title", "public_summary"}


def test_an_assignment_opens_what_the_consent_covers(story: Story) -> None:
    [*_, last] = shown(story.assigned())
    assert set(last.data_classes) == set(CONSENT["data_classes"])


def test_a_confirmed_report_is_open_to_the_bank_and_the_institution(story: Story) -> None:
    to = [one.to for one in shown(story.report_confirmed()) if one.event_type == "VisitReportConfirmed"]
    assert to == ["jfs-fukuoka", "kyudai"]


def test_an_expert_is_shown_the_question(story: Story) -> None:
    story.assigned(consent={**CONSENT, "recipients": ["center", "universities", "experts"]})
    story.must("tanaka", "ConsultSpecialist", {"expert_kind": "lawyer", "expert_id": "hori", "question": "?"})
    [*_, last] = shown(story)
    assert (last.to, last.data_classes) == ("hori", ("question",))


def test_whoever_may_read_a_case_stands_in_the_list(story: Story) -> None:
    """Nobody outside the company and the center reads of the need without a line that says so."""
    story.licensed()
    listed = {one.to for one in shown(story)} | {one.person for one in shown(story)}
    for person, org in (("hayashi", "kyudai"), ("ueno", "kyudai"), ("sato", "jfs-fukuoka")):
        assert story.text_for(person) and org in listed


def test_the_list_stays_when_the_consent_is_taken_back(story: Story) -> None:
    before = shown(story.assigned())
    story.must("arita", "WithdrawConsent", reason="cost")
    assert shown(story)[: len(before)] == before


def test_a_read_stands_under_the_consent_in_force_and_a_lenders_under_one_to_lending_evaluation(story: Story) -> None:
    story.referred()
    moment, (consent,) = story.now, story.case.consents
    assert consent_at(steps_of(story), moment, Role.auditor) == consent
    assert consent_at(steps_of(story), moment, Role.lender_officer) is None
    assert consent_at(steps_of(story), moment - timedelta(days=9), Role.auditor) is None
    assert consent_at(steps_of(story), moment + timedelta(days=9_999), Role.auditor) is None
    other = Story(case_id="c2").referred(consent={**CONSENT, "purposes": ["collaboration", "lending_evaluation"]})
    assert consent_at(steps_of(other), other.now, Role.lender_officer) == next(iter(other.case.consents))
