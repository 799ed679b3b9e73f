"""Evidence dossiers: for a lender with the company's consent, as long as it holds (invariants 2, 3, 26, 27)."""

from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given, strategies
from rules_register import Register, pass_time
from rules_story import ACTORS, CONSENT, ORGS, TOLD, VISIT, Story

from domain.catalogue.dossiers import consequence
from domain.envelope import Paper
from domain.evidence import SOURCES, lender_view
from domain.law import FACTS, View

LENDING: Final = {**CONSENT, "recipients": ["center", "lender"], "purposes": ["lending_evaluation"]}
PAPER: Final = Paper(cut_off_version=6, content_hash="ab" * 32)


@pytest.fixture
def told_case() -> Story:
    """A case whose company lets the lender have evidence, by the consent k2."""
    return Story(TOLD).assigned().must("arita", "RecordConsent", {**LENDING, "consent_id": "k2"})


def of(case: Story) -> Register:
    """A dossier that nobody has asked for yet."""
    one = Register("d1")
    one.about, one.now = case, case.now
    return one


@pytest.fixture
def dossier(told_case: Story) -> Register:
    """Asked for by the lender."""
    return of(told_case).must("kashi", "RequestDossier", {"case_id": "c1", "lending_context": "new_loan"})


@pytest.fixture
def issued(dossier: Register) -> Register:
    """Its first version draws on the case up to version 6."""
    dossier.paper = PAPER
    return dossier.must("tanaka", "ReleaseDossier")


def follow(case: Story, dossier: Register) -> list[str] | str:
    """What the last event of the case means for the dossier."""
    command = consequence(case.events[-1], "d1")
    if command is None:
        return []
    data = command.data.model_dump(exclude_none=True)
    return dossier.says("system", command.name, data, reason=command.reason.code if command.reason else None)


def withdraw(case: Story) -> None:
    """The company takes back its consent to the lender."""
    case.must("arita", "WithdrawConsent", {"consent_id": "k2"}, reason="cost")


def test_a_dossier_needs_a_consent_for_that_very_lender(story: Story) -> None:
    """Invariant 27."""
    one = of(story.assigned())
    for person in ("kashi", "sato"):
        assert one.says(person, "RequestDossier", {"case_id": "c1"}) == "lending_consent_required"
    story.must("arita", "RecordConsent", {**LENDING, "recipients": ["center", "jfs-saga"]})
    assert one.says("kashi", "RequestDossier", {"case_id": "c1"}) == "lending_consent_required"
    story.must("arita", "RecordConsent", {**LENDING, "purposes": ["collaboration"]})
    assert one.says("kashi", "RequestDossier", {"case_id": "c1"}) == "lending_consent_required"


def test_a_consent_to_all_lenders_covers_each(story: Story) -> None:
    story.assigned().must("arita", "RecordConsent", {**LENDING, "recipients": ["center", "lenders"]})
    assert of(story).says("kashi", "RequestDossier", {"case_id": "c1"}) == ["EvidenceDossierRequested"]


def test_to_a_lender_a_case_without_consent_and_one_that_is_not_there_are_the_same(story: Story) -> None:
    one = of(story.assigned())
    there, nowhere = (one.do("kashi", "RequestDossier", {"case_id": case}) for case in ("c1", "c9"))
    assert (there.code, there.ja, there.en) == (nowhere.code, nowhere.ja, nowhere.en)


def test_a_request_names_the_case_and_serves_the_evaluation(told_case: Story) -> None:
    one = of(told_case)
    assert one.says("kashi", "RequestDossier") == "invalid_field"
    assert one.says("kashi", "RequestDossier", {"case_id": "c1", "purpose": "statistics"}) == "invalid_field"
    [event] = one.do("kashi", "RequestDossier", {"case_id": "c1", "lang": "en", "lending_context": "monitoring"})
    assert (event.data.lender_id, event.data.purpose, event.data.lang) == ("lender", "lending_evaluation", "en")
    assert one.says("kashi", "RequestDossier", {"case_id": "c1"}) == "already_done"


def test_a_lender_asks_for_itself_and_a_bank_for_its_referral(told_case: Story) -> None:
    one = of(told_case)
    assert one.says("kashi", "RequestDossier", {"case_id": "c1", "lender_id": "jfs-saga"}) == "not_permitted"
    assert one.says("ide", "RequestDossier", {"case_id": "c1", "lender_id": "lender"}) == "unknown_case"
    assert one.says("sato", "RequestDossier", {"case_id": "c9", "lender_id": "lender"}) == "unknown_case"
    assert one.says("sato", "RequestDossier", {"case_id": "c1", "lender_id": "nobody"}) == "invalid_field"
    assert one.says("sato", "RequestDossier", {"case_id": "c1", "lender_id": "lender"}) == ["EvidenceDossierRequested"]


def test_a_bank_whose_referral_ended_asks_for_nothing_more(told_case: Story) -> None:
    told_case.must("sato", "RequestCancellation", reason="client_left_bank").must("tanaka", "ConfirmCancellation")
    asked = {"case_id": "c1", "lender_id": "lender"}
    assert of(told_case).says("sato", "RequestDossier", asked) == "case_closed"


def test_a_dossier_is_issued_on_what_was_rendered_and_the_consent_of_that_moment(
    dossier: Register, told_case: Story
) -> None:
    assert dossier.says("kashi", "ViewDossier") == "not_yet_happened"
    assert dossier.says("tanaka", "ReleaseDossier") == "not_rendered"
    dossier.paper = PAPER
    [event] = dossier.do("tanaka", "ReleaseDossier")
    assert (event.data.version, event.data.cut_off_version, event.data.consent_id) == (1, 6, "k2")
    assert event.data.content_hash == PAPER.content_hash
    withdraw(told_case)
    assert dossier.says("tanaka", "ReleaseDossier") == "lending_consent_required"


def test_a_line_that_cites_nothing_or_what_came_after_the_cut_off_is_not_issued(dossier: Register) -> None:
    """Invariant 27."""
    first, *_, last = [one.event_id for one in dossier.about.events]
    for cites in ((), ("elsewhere",), (first, last)):
        dossier.paper = PAPER.model_copy(update={"lines": {"D1.1": (first,), "D4.1": cites}})
        refused = dossier.do("tanaka", "ReleaseDossier")
        assert (refused.code, "D4.1" in refused.en) == ("citation_required", True)
    dossier.paper = PAPER.model_copy(update={"lines": {"D1.1": (first,)}})
    assert dossier.says("tanaka", "ReleaseDossier") == ["EvidenceDossierIssued"]


def test_a_report_is_told_only_once_the_company_confirmed_it(dossier: Register, told_case: Story) -> None:
    """Invariant 13."""
    told_case.must("tanaka", "ScheduleVisit", {**VISIT, "visit_id": "v1"}).at(31)
    told_case.must("tanaka", "RecordVisitHeld", {"visit_id": "v1"})
    told_case.must("hayashi", "FileVisitReport", {"report_id": "r1", "findings": "x", "feasibility": "unclear"})
    dossier.paper = PAPER.model_copy(update={"reports": ("r1",)})
    assert dossier.says("tanaka", "ReleaseDossier") == "report_unconfirmed"
    told_case.must("arita", "ConfirmVisitReport")
    assert dossier.says("tanaka", "ReleaseDossier") == ["EvidenceDossierIssued"]


def test_what_cannot_be_rendered_is_not_issued_and_the_answer_says_why(dossier: Register, told_case: Story) -> None:
    dossier.paper = PAPER.model_copy(update={"problem": "/sections/1 holds X"})
    refused = dossier.do("tanaka", "ReleaseDossier")
    assert (refused.code, "/sections/1 holds X" in refused.en) == ("not_rendered", True)


def test_each_release_is_a_version_of_its_own(issued: Register) -> None:
    """Script 10: six versions."""
    [event] = issued.do("mori", "ReleaseDossier")
    assert event.data.version == 2
    assert [one.version for one in issued.entry.issues] == [1, 2]
    assert issued.stands == "issued"


def correct(case: Story, event_id: str) -> None:
    """Two persons correct one event of the case."""
    right = {"corrects_event_id": event_id, "right_value": {"note": "x"}}
    case.must("doi", "CorrectEvent", right, reason="other").must("mori", "ConfirmDecision")


def test_a_correction_supersedes_what_drew_on_it_by_a_new_version(issued: Register, told_case: Story) -> None:
    """Invariant 26, script 1: whoever viewed the old version is known."""
    issued.must("kashi", "ViewDossier")
    referred = told_case.events[1]
    correct(told_case, referred.event_id)
    assert follow(told_case, issued) == ["EvidenceDossierSuperseded", "EvidenceDossierIssued"]
    assert [one.superseded for one in issued.entry.issues] == [True, False]
    assert (issued.stands, issued.entry.viewed) == ("issued", (1,))


def test_without_a_renderer_or_a_consent_it_is_superseded_and_not_replaced(issued: Register, told_case: Story) -> None:
    correct(told_case, told_case.events[1].event_id)
    issued.paper = None
    assert follow(told_case, issued) == ["EvidenceDossierSuperseded"]
    assert follow(told_case, issued) == [], "once"
    assert issued.stands == "superseded"


def test_a_revoked_share_is_superseded_without_a_new_version(issued: Register, told_case: Story) -> None:
    issued.must("arita", "RevokeShare", reason="other")
    correct(told_case, told_case.events[1].event_id)
    assert follow(told_case, issued) == ["EvidenceDossierSuperseded"]


def test_a_correction_of_what_no_dossier_cites_supersedes_nothing(issued: Register, told_case: Story) -> None:
    later = told_case.must("arita", "DeclareCompanyFacts", {"rd_staff": 2, "as_of": "2026-04-01"}).events[-1]
    correct(told_case, later.event_id)
    assert follow(told_case, issued) == [], "it came after the cut-off"
    assert told_case.events[0].type not in SOURCES
    correct(told_case, told_case.events[0].event_id)
    assert follow(told_case, issued) == []


def test_what_was_never_issued_is_not_superseded(dossier: Register, told_case: Story) -> None:
    correct(told_case, told_case.events[1].event_id)
    assert follow(told_case, dossier) == []


def test_a_withdrawn_consent_revokes_the_share(issued: Register, told_case: Story) -> None:
    """Invariant 3, script 7."""
    withdraw(told_case)
    assert follow(told_case, issued) == ["EvidenceShareRevoked"]
    assert follow(told_case, issued) == [], "once"
    assert issued.says("kashi", "ViewDossier") == "consent_withdrawn"
    assert issued.says("kashi", "NoteLoanOutcome", {"made": "yes"}) == "consent_withdrawn"
    assert issued.says("tanaka", "ReleaseDossier") == "lending_consent_required", "script 7: issuing v2 is refused"


def test_a_consent_narrowed_to_others_revokes_the_share_and_one_that_still_covers_it_does_not(
    issued: Register, told_case: Story
) -> None:
    scope = {key: LENDING[key] for key in ("recipients", "purposes", "data_classes", "valid_until")}
    told_case.must("arita", "ChangeConsent", {"consent_id": "k2", "new_scope": {**scope, "valid_until": "2031-03-31"}})
    assert follow(told_case, issued) == []
    told_case.must("arita", "ChangeConsent", {"consent_id": "k2", "new_scope": {**scope, "recipients": ["center"]}})
    assert follow(told_case, issued) == ["EvidenceShareRevoked"]


def test_an_issue_asks_for_the_consent_once_more(issued: Register, told_case: Story) -> None:
    """The consent was withdrawn in the very moment of the issue."""
    command = consequence(issued.events[-1], "d1")
    assert command is not None and command.name == "RevokeShare"
    assert issued.says("system", "RevokeShare", reason="consent_withdrawn") == [], "the consent holds"
    withdraw(told_case)
    assert issued.says("system", "RevokeShare", reason="consent_withdrawn") == ["EvidenceShareRevoked"]


def test_what_else_happens_in_a_case_means_nothing_for_its_dossiers(told_case: Story) -> None:
    assert consequence(told_case.events[0], "d1") is None


def test_a_share_ends_with_the_consent_even_where_nobody_revoked_it(issued: Register) -> None:
    """Invariant 2: asked at the moment, not only when recorded."""
    issued.must("kashi", "ViewDossier")
    issued.now = issued.now.replace(year=2030, month=4, day=2)
    assert issued.says("kashi", "ViewDossier") == "lending_consent_required"
    assert issued.says("kashi", "NoteLoanOutcome", {"made": "no"}) == "lending_consent_required"


def test_what_was_revoked_is_asked_for_anew(issued: Register, told_case: Story) -> None:
    issued.must("arita", "RevokeShare", reason="other")
    assert issued.says("tanaka", "ReleaseDossier") == "consent_withdrawn"
    assert of(told_case).says("kashi", "RequestDossier", {"case_id": "c1"}) == ["EvidenceDossierRequested"]


def test_the_company_or_a_senior_stops_the_share_with_a_reason(issued: Register) -> None:
    assert issued.says("arita", "RevokeShare") == "reason_required"
    assert issued.says("genda", "RevokeShare", reason="other") == "unknown_entry"
    assert issued.says("arita", "RevokeShare", reason="other") == ["EvidenceShareRevoked"]
    assert issued.says("mori", "RevokeShare", reason="other") == "already_done"


def test_a_share_is_revoked_without_any_consent(issued: Register, told_case: Story) -> None:
    """Invariant 1 names RevokeShare among the exceptions."""
    for consent_id in list(told_case.state.consents):
        told_case.must("arita", "WithdrawConsent", {"consent_id": consent_id}, reason="cost")
    assert issued.says("mori", "RevokeShare", reason="other") == ["EvidenceShareRevoked"]


def test_to_another_lender_a_dossier_does_not_exist(issued: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = ACTORS["kashi"].model_copy(update={"org_id": "jfs-saga"})
    monkeypatch.setitem(ACTORS, "stranger", stranger)
    assert issued.says("stranger", "ViewDossier") == "unknown_entry"
    assert issued.says("stranger", "ViewDossier", expected_version=99) == "unknown_entry", "nor is its version told"
    assert issued.says("stranger", "NoteLoanOutcome", {"made": "yes"}) == "unknown_entry"
    assert issued.says("kashi", "NoteLoanOutcome", {"made": "yes"}) == ["LoanOutcomeNoted"]


def test_a_lender_that_merged_is_followed_by_its_successor(
    issued: Register, told_case: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ORGS, "lender", ORGS["lender"].model_copy(update={"successor_id": "new-lender"}))
    monkeypatch.setitem(ORGS, "new-lender", ORGS["lender"].model_copy(update={"org_id": "new-lender"}))
    monkeypatch.setitem(ACTORS, "kashi", ACTORS["kashi"].model_copy(update={"org_id": "new-lender"}))
    assert issued.says("kashi", "ViewDossier") == ["DossierViewed"]
    told_case.must("system", "FollowOrganization", {"organization_id": "lender", "successor_id": "new-lender"})
    assert issued.says("kashi", "ViewDossier") == ["DossierViewed"], "the consent went with it"
    asked = {"case_id": "c1", "lender_id": "lender"}
    [event] = of(told_case).do("kashi", "RequestDossier", asked)
    assert event.data.lender_id == "new-lender"


def test_a_dossier_expires_after_ninety_days_with_a_notice_before(issued: Register) -> None:
    """6d: 14 days before 90 days, marked expired."""
    ends = issued.now + timedelta(days=90)
    assert pass_time(issued, (ends - timedelta(days=1)).isoformat()) == ["EvidenceDossierExpiring"]
    assert pass_time(issued, ends.isoformat()) == ["EvidenceDossierExpired"]
    assert issued.stands == "expired" and issued.entry.due() is None
    assert issued.says("system", "PassDossierDeadline") == []
    assert issued.says("kashi", "ViewDossier") == ["DossierViewed"]
    issued.must("tanaka", "ReleaseDossier")
    assert issued.stands == "issued" and issued.entry.due() is not None


def test_a_lender_sees_no_more_of_an_event_than_a_bank() -> None:
    """6a: the types that the sections of a dossier are made from, in the bank's reduction."""
    assert set(FACTS) >= SOURCES
    assert {name for name in FACTS if lender_view(name) is not View.hidden} <= SOURCES
    assert all(lender_view(name) in {View.hidden, FACTS[name].bank} for name in FACTS)
    assert lender_view("AgreementSigned") is View.full
    assert lender_view("NoteRecorded") is View.hidden


@given(
    recipients=strategies.sets(strategies.sampled_from(["lender", "lenders", "jfs-saga", "universities"])),
    purposes=strategies.sets(
        strategies.sampled_from(["lending_evaluation", "collaboration", "statistics"]), min_size=1
    ),
    valid_until=strategies.sampled_from(["2026-04-30", "2030-03-31"]),
    withdrawn=strategies.booleans(),
)
def test_a_dossier_is_asked_for_exactly_while_a_consent_names_purpose_and_lender(
    recipients: set[str], purposes: set[str], valid_until: str, withdrawn: bool
) -> None:
    """Invariant 27, over consents of any scope."""
    scope = {"recipients": ["center", *sorted(recipients)], "purposes": sorted(purposes), "valid_until": valid_until}
    case = Story().in_review().must("arita", "RecordConsent", {**CONSENT, **scope, "consent_id": "k2"})
    if withdrawn:
        withdraw(case)
    one = of(case)
    one.now = case.now.replace(month=6)
    named = bool(recipients & {"lender", "lenders"}) and "lending_evaluation" in purposes
    allowed = named and valid_until == "2030-03-31" and not withdrawn
    outcome = one.says("kashi", "RequestDossier", {"case_id": "c1"})
    assert outcome == (["EvidenceDossierRequested"] if allowed else "lending_consent_required")
