"""What stands beside the cases: companies, institutions, researchers, seeds, meetings, recommendations, dossiers."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import pytest
from rules_story import ACTORS, CONSENT, ORGS, START, TOLD, Story

from domain.catalogue.dossiers import dossier_consequence
from domain.envelope import Command, Context, Directory, Event, Paper, Reason
from domain.law import FACTS, RULES
from domain.mentions import mentioned, other_streams
from domain.refusals import Refusal
from domain.streams import decide, fold, record, stream_of

pytestmark = pytest.mark.xdist_group("told")
NAMES: Final = sorted(name for name, one in RULES.items() if one.stream != "case")
REACHED: Final[set[str]] = set()


def example(name: str) -> Mapping[str, Any]:
    """The example body of a command."""
    found: Mapping[str, Any] = RULES[name].data.example  # type: ignore[attr-defined]
    return found


class Register:
    """One entry of the catalogue as people make it."""

    def __init__(self, entry_id: str) -> None:
        self.entry_id = entry_id
        self.now = START
        self.entry: Any = None
        self.events: list[Event] = []
        self.others: dict[str, Any] = {}
        self.paper: Paper | None = None

    def do(self, person: str, name: str, data: Mapping[str, Any] | None = None, **around: Any) -> Any:
        """Somebody gives a command now: the events it caused, or its Refusal."""
        body = RULES[name].data.model_validate_json(json.dumps(data or {}))
        if isinstance(around.get("reason"), str):
            around["reason"] = Reason(code=around["reason"])
        command_id = f"{self.entry_id}-{len(self.events)}-{name}"
        command = Command(
            command_id=command_id, case_id=self.entry_id, name=name, data=body, actor=ACTORS[person], **around
        )
        ids = mentioned(self.entry, command)
        directory = Directory(organizations={key: one for key, one in ORGS.items() if key in ids})
        others = {key: self.others[key] for key in other_streams(self.entry, command) if key in self.others}
        context = Context(now=self.now, directory=directory, others=others, paper=self.paper)
        facts = decide(self.entry, command, context)
        if isinstance(facts, Refusal):
            TOLD.codes.add(facts.code)
            return facts
        events, self.entry = record(self.entry, command, facts, context)
        assert {one.stream for one in events} <= {stream_of(command)}
        self.events.extend(events)
        REACHED.update((name, *(one.type for one in events)))
        return events

    def says(self, person: str, name: str, data: Mapping[str, Any] | None = None, **around: Any) -> list[str] | str:
        """The types of the events that a command caused, or the code of its refusal."""
        outcome = self.do(person, name, data, **around)
        return outcome.code if isinstance(outcome, Refusal) else [one.type for one in outcome]

    def must(self, person: str, name: str, data: Mapping[str, Any] | None = None, **around: Any) -> Self:
        """Somebody gives a command that is accepted."""
        assert isinstance(self.says(person, name, data, **around), list)
        return self

    @property
    def stands(self) -> str:
        """Where the entry stands, in one word; the fold of its events says the same."""
        assert fold(self.events) == self.entry
        return str(self.entry.standing)


@pytest.fixture
def company() -> Register:
    return Register("ariake").must("tanaka", "RegisterCompany", {"name": "有明陶業", "prefecture": "saga"})


@pytest.fixture
def institution() -> Register:
    return Register("kyudai").must("ueno", "RegisterInstitution", {"name": "筑紫大学", "indirect_rate": "0.30"})


@pytest.fixture
def researcher() -> Register:
    return Register("hayashi").must("ueno", "RegisterResearcher", {"field_codes": ["materials.ceramics"]})


@pytest.fixture
def seed() -> Register:
    return Register("seed-1").must(
        "hayashi", "PublishSeed", {"title": "常圧焼結", "public_summary": "窯で焼く。", "trl": 3}
    )


@pytest.fixture
def meeting() -> Register:
    return Register("salon").must("tanaka", "PlanExchangeEvent", {"kind": "second_friday_salon", "on": "2026-04-10"})


@pytest.fixture
def recommendation() -> Register:
    return Register("rec-1").must("seki", "AdoptRecommendation", {"title": "連携を深めること"})


def test_a_company_is_registered_once(company: Register) -> None:
    assert company.stands == "registered"
    assert company.says("sato", "RegisterCompany", {"name": "有明陶業"}) == "already_done"


def test_a_merged_company_goes_on_in_another(company: Register) -> None:
    assert company.says("doi", "MergeOrganizations", {"successor_id": "genkai"}) == "reason_required"
    assert company.says("doi", "MergeOrganizations", {"successor_id": "ariake"}, reason="other") == "invalid_field"
    company.must("doi", "MergeOrganizations", {"successor_id": "genkai"}, reason="other")
    assert company.stands == "merged"
    assert company.says("doi", "MergeOrganizations", {"successor_id": "x"}, reason="other") == "already_done"


def test_a_bank_goes_on_in_another_bank_and_nothing_else() -> None:
    assert Register("jfs-saga").says("doi", "MergeOrganizations", {"successor_id": "genkai"}, reason="other") == (
        "invalid_field"
    )
    assert Register("nobody").says("doi", "MergeOrganizations", {"successor_id": "jfs-saga"}, reason="other") == (
        "unknown_entry"
    )
    merged = Register("jfs-saga").must("doi", "MergeOrganizations", {"successor_id": "jfs-fukuoka"}, reason="other")
    assert (merged.stands, merged.entry.successor_id) == ("merged", "jfs-fukuoka")


def test_an_institution_is_registered_and_changed_by_its_own_office_or_a_steward(institution: Register) -> None:
    assert Register("kyudai").says("saga-desk", "RegisterInstitution", {"name": "x"}) == "not_permitted"
    assert institution.says("saga-desk", "ChangeInstitutionTerms", {"indirect_rate": "0.1"}) == "not_permitted"
    assert institution.says("ueno", "ChangeInstitutionTerms") == "invalid_field"
    institution.must("doi", "ChangeInstitutionTerms", {"indirect_rate": "0.20", "payment_first": False})
    assert (institution.entry.indirect_rate, institution.entry.payment_first) == ("0.20", False)
    assert (institution.entry.name, institution.stands) == ("筑紫大学", "registered")
    assert institution.says("ueno", "RegisterInstitution", {"name": "x"}) == "already_done"


def test_a_researcher_belongs_to_the_office_that_registers(researcher: Register) -> None:
    assert Register("baba").says("ueno", "RegisterResearcher", {"institution_id": "sadai"}) == "not_permitted"
    assert researcher.says("ueno", "RegisterResearcher") == "already_done"
    assert researcher.says("saga-desk", "ChangeResearcherAvailability", {"available": False}) == "not_permitted"
    researcher.must("ueno", "ChangeResearcherAvailability", {"available": False, "until": "2027-03-31"})
    assert researcher.stands == "unavailable"


def test_a_researcher_moves_by_the_word_of_either_office(researcher: Register) -> None:
    assert researcher.says("sapporo-desk", "MoveResearcher", {"institution_id": "sadai"}) == "not_permitted"
    assert researcher.says("ueno", "MoveResearcher", {"institution_id": "kyudai"}) == "already_done"
    [event] = researcher.do("saga-desk", "MoveResearcher", {"institution_id": "sadai"})
    assert (event.data.from_institution_id, researcher.entry.institution_id) == ("kyudai", "sadai")
    assert researcher.says("ueno", "RetireResearcher") == "not_permitted"
    assert researcher.must("saga-desk", "RetireResearcher").stands == "retired"
    assert researcher.says("saga-desk", "RetireResearcher") == "already_done"


def test_a_seed_is_revised_by_its_own_institution_until_it_retires(seed: Register) -> None:
    assert seed.says("baba", "ReviseSeed", {"trl": 4}) == "not_permitted"
    assert seed.says("ueno", "ReviseSeed") == "invalid_field"
    seed.must("ueno", "ReviseSeed", {"trl": 4, "keywords": ["ガラス"]})
    assert (seed.entry.body.trl, seed.entry.body.keywords, seed.entry.body.summary) == (4, ("ガラス",), "窯で焼く。")
    assert seed.says("ueno", "RetireSeed") == "reason_required"
    assert seed.must("ueno", "RetireSeed", reason="other").stands == "retired"
    for name, data in (("ReviseSeed", {"trl": 5}), ("RetireSeed", {}), ("PublishSeed", {"title": "x"})):
        assert seed.says("ueno", name, data, reason="other") == "already_done"
    assert seed.says("tanaka", "RequestSeedRenewal") == "already_done"


def test_a_revised_seed_is_renewed(seed: Register) -> None:
    assert seed.must("tanaka", "RequestSeedRenewal").entry.asked
    assert not seed.must("hayashi", "ReviseSeed", {"conditions": "共同研究"}).entry.asked
    assert seed.must("tanaka", "RequestSeedRenewal").must("hayashi", "ReviseSeed").entry.asked == ()
    assert seed.stands == "published"


def pass_time(entry: Register, to: str) -> list[str]:
    """Let the clock act on *entry* until *to*, each step at its own moment; the types of the events it caused."""
    before, until = len(entry.events), datetime.fromisoformat(to)
    while (due := entry.entry.due()) is not None and due.at <= until:
        entry.now = due.at - timedelta(seconds=1)
        assert entry.says("system", due.command) == []
        entry.now = due.at
        entry.must("system", due.command)
    entry.now = until
    return [one.type for one in entry.events[before:]]


def test_a_seed_nobody_renews_is_asked_for_twice_and_then_hidden(seed: Register) -> None:
    """6d: yearly, +30 and +60 business days, hidden from search."""
    assert pass_time(seed, "2027-04-01T09:00:00+09:00") == ["SeedRenewalRequested"]
    assert pass_time(seed, "2027-12-31T00:00:00+09:00") == ["SeedRenewalRequested", "SeedHidden"]
    assert seed.stands == "hidden" and seed.entry.due() is None
    assert seed.must("ueno", "ReviseSeed").stands == "published"
    assert pass_time(seed, "2028-12-31T09:00:00+09:00")[0] == "SeedRenewalRequested"


def test_a_researcher_whose_profile_nobody_renews_is_no_longer_available(researcher: Register) -> None:
    assert pass_time(researcher, "2027-12-31T00:00:00+09:00") == [
        "ResearcherRenewalRequested",
        "ResearcherRenewalRequested",
        "ResearcherAvailabilityChanged",
    ]
    assert researcher.stands == "unavailable" and researcher.entry.due() is None
    researcher.must("ueno", "ChangeResearcherAvailability", {"available": True})
    assert researcher.must("tanaka", "RequestResearcherRenewal").entry.asked


LENDING: Final = {**CONSENT, "recipients": ["center", "lender"], "purposes": ["lending_evaluation"]}
PAPER: Final = Paper(cut_off_version=6, content_hash="ab" * 32)


@pytest.fixture
def told_case() -> Story:
    """A case whose company lets the lender have evidence."""
    return Story(TOLD).assigned().must("arita", "RecordConsent", {**LENDING, "consent_id": "k2"})


@pytest.fixture
def dossier(told_case: Story) -> Register:
    one = Register("d1")
    one.others["case-c1"], one.now = told_case.state, told_case.now
    return one.must("kashi", "RequestDossier", {"case_id": "c1", "lending_context": "new_loan"})


@pytest.fixture
def issued(dossier: Register) -> Register:
    dossier.paper = PAPER
    return dossier.must("tanaka", "ReleaseDossier")


def test_a_dossier_needs_a_consent_for_that_very_lender(story: Story) -> None:
    """Invariant 27."""
    one = Register("d1")
    one.others["case-c1"], one.now = story.assigned().state, story.now
    for person in ("kashi", "sato"):
        assert one.says(person, "RequestDossier", {"case_id": "c1"}) == "lending_consent_required"
    assert one.says("ide", "RequestDossier", {"case_id": "c1"}) == "unknown_case"
    assert one.says("kashi", "RequestDossier", {"case_id": "c9"}) == "unknown_case"
    assert one.says("kashi", "RequestDossier") == "invalid_field"
    story.must("arita", "RecordConsent", {**LENDING, "recipients": ["center", "jfs-saga"]})
    one.others["case-c1"] = story.state
    assert one.says("kashi", "RequestDossier", {"case_id": "c1"}) == "lending_consent_required"


def test_a_lender_asks_for_itself_and_a_bank_for_its_referral(told_case: Story) -> None:
    one = Register("d1")
    one.others["case-c1"], one.now = told_case.state, told_case.now
    other = {"case_id": "c1", "lender_id": "jfs-saga"}
    assert one.says("kashi", "RequestDossier", other) == "not_permitted"
    assert one.says("sato", "RequestDossier", {"case_id": "c1", "lender_id": "lender"}) == ["EvidenceDossierRequested"]
    assert one.says("kashi", "RequestDossier", {"case_id": "c1"}) == "already_done"


def test_a_dossier_is_issued_on_what_was_rendered_and_the_consent_of_that_moment(
    dossier: Register, told_case: Story
) -> None:
    assert dossier.says("kashi", "ViewDossier") == "not_yet_happened"
    assert dossier.says("tanaka", "ReleaseDossier") == "not_yet_happened"
    dossier.paper = PAPER
    [event] = dossier.do("tanaka", "ReleaseDossier")
    assert (event.data.version, event.data.cut_off_version, event.data.consent_id) == (1, 6, "k2")
    told_case.must("arita", "WithdrawConsent", {"consent_id": "k2"}, reason="cost")
    dossier.others["case-c1"] = told_case.state
    assert dossier.says("tanaka", "ReleaseDossier") == "lending_consent_required"


def test_a_newer_version_supersedes_the_older(issued: Register) -> None:
    assert issued.says("tanaka", "ReleaseDossier") == ["EvidenceDossierSuperseded", "EvidenceDossierIssued"]
    assert [one.superseded for one in issued.entry.issues] == [True, False]


def test_a_correction_supersedes_and_whoever_viewed_it_is_known(issued: Register, told_case: Story) -> None:
    """Invariant 26."""
    assert issued.says("kashi", "ViewDossier") == ["DossierViewed"]
    right = {"corrects_event_id": told_case.events[1].event_id, "right_value": {"title": "x"}}
    told_case.must("doi", "CorrectEvent", right, reason="other").must("mori", "ConfirmDecision")
    command = dossier_consequence(told_case.events[-1], "d1")
    assert command is not None and command.name == "SupersedeDossier"
    assert issued.says("system", "SupersedeDossier", {"corrected_event_id": right["corrects_event_id"]}) == [
        "EvidenceDossierSuperseded"
    ]
    assert issued.says("system", "SupersedeDossier") == []
    assert (issued.stands, issued.entry.viewed) == ("superseded", (1,))


def test_a_withdrawn_consent_revokes_the_share(issued: Register, told_case: Story) -> None:
    """Invariant 3."""
    assert issued.says("system", "RevokeShare", reason="consent_withdrawn") == [], "the consent still holds"
    told_case.must("arita", "WithdrawConsent", {"consent_id": "k2"}, reason="cost")
    command = dossier_consequence(told_case.events[-1], "d1")
    assert command is not None and command.name == "RevokeShare"
    issued.others["case-c1"] = told_case.state
    assert issued.says("system", "RevokeShare", reason="consent_withdrawn") == ["EvidenceShareRevoked"]
    assert issued.says("system", "RevokeShare", reason="consent_withdrawn") == []
    assert issued.says("kashi", "ViewDossier") == "consent_withdrawn"
    assert issued.says("tanaka", "ReleaseDossier") == "already_done"
    assert dossier_consequence(told_case.events[0], "d1") is None


def test_the_company_or_a_senior_stops_the_share_with_a_reason(issued: Register) -> None:
    assert issued.says("arita", "RevokeShare") == "reason_required"
    assert issued.says("genda", "RevokeShare", reason="other") == "unknown_entry"
    assert issued.says("arita", "RevokeShare", reason="other") == ["EvidenceShareRevoked"]
    assert issued.says("mori", "RevokeShare", reason="other") == "already_done"


def test_to_another_lender_a_dossier_does_not_exist(issued: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = ACTORS["kashi"].model_copy(update={"org_id": "jfs-saga"})
    monkeypatch.setitem(ACTORS, "stranger", stranger)
    assert issued.says("stranger", "ViewDossier") == "unknown_entry"
    assert issued.says("stranger", "NoteLoanOutcome", {"made": "yes"}) == "unknown_entry"
    assert issued.says("kashi", "NoteLoanOutcome", {"made": "yes"}) == ["LoanOutcomeNoted"]


def test_a_dossier_expires_after_ninety_days_with_a_notice_before(issued: Register) -> None:
    """6d: 14 days before 90 days, marked expired."""
    ends = issued.now + timedelta(days=90)
    assert pass_time(issued, (ends - timedelta(days=1)).isoformat()) == ["EvidenceDossierExpiring"]
    assert pass_time(issued, ends.isoformat()) == ["EvidenceDossierExpired"]
    assert issued.stands == "expired" and issued.entry.due() is None
    assert issued.says("system", "PassDossierDeadline") == []
    assert issued.says("kashi", "ViewDossier") == ["DossierViewed"]


def test_contacts_are_made_at_a_meeting_that_was_held(meeting: Register) -> None:
    met = {"company": "ariake", "researcher": "hayashi"}
    assert meeting.says("tanaka", "MakeContact", met) == "not_yet_happened"
    assert meeting.says("tanaka", "HoldExchangeEvent", {"on": "2026-04-10"}) == "not_yet_happened"
    assert meeting.stands == "planned"
    meeting.now = datetime.fromisoformat("2026-04-10T18:00:00+09:00")
    assert meeting.must("tanaka", "HoldExchangeEvent", {"seeds": ["seed-1"], "attendance": 42}).stands == "held"
    assert meeting.must("tanaka", "MakeContact", met).entry.contacts == 1
    assert meeting.says("tanaka", "HoldExchangeEvent") == "already_done"
    assert meeting.says("tanaka", "PlanExchangeEvent", {"kind": "joint_results"}) == "already_done"


def test_a_recommendation_is_adopted_progressed_and_fulfilled_once(recommendation: Register) -> None:
    late = Register("rec-2").says("seki", "AdoptRecommendation", {"title": "x", "adopted_on": "2026-04-02"})
    assert (late, recommendation.stands) == ("not_yet_happened", "adopted")
    assert recommendation.must("seki", "ProgressRecommendation", {"note": "協定を結んだ。"}).stands == "progressed"
    assert recommendation.must("seki", "FulfillRecommendation").stands == "fulfilled"
    assert recommendation.says("seki", "FulfillRecommendation") == "already_done"
    assert recommendation.says("seki", "ProgressRecommendation", {"note": "x"}) == "already_done"
    assert recommendation.says("seki", "AdoptRecommendation", {"title": "x"}) == "already_done"


@pytest.mark.parametrize("name", [one for one in NAMES if not RULES[one].opens])
def test_an_entry_that_is_not_there_is_unknown(name: str) -> None:
    person = next(key for key, one in ACTORS.items() if one.role in RULES[name].by)
    assert Register("nowhere").says(person, name, example(name), reason="other") == "unknown_entry"


@pytest.mark.parametrize("name", NAMES)
def test_the_wrong_role_keeps_no_register(name: str) -> None:
    for person, actor in ACTORS.items():
        if actor.role not in RULES[name].by:
            assert Register("x").says(person, name, example(name), reason="other") == "not_permitted"


@pytest.mark.parametrize("name", NAMES)
def test_an_example_of_the_catalogue_survives_json(name: str) -> None:
    body = RULES[name].data.model_validate_json(json.dumps(example(name)))
    kept = json.dumps(body.model_dump(mode="json", exclude_none=True, by_alias=True))
    assert type(body).model_validate_json(kept) == body


def test_an_entry_s_version_is_the_one_its_sender_saw(company: Register) -> None:
    merge = {"successor_id": "genkai"}
    assert company.says("doi", "MergeOrganizations", merge, reason="other", expected_version=2) == "version_stale"
    company.must("doi", "MergeOrganizations", merge, reason="other", expected_version=1)
    assert company.entry.version == 2


def test_no_version_of_an_entry_is_missing_or_doubled(company: Register) -> None:
    with pytest.raises(ValueError, match="at version 1 after 1"):
        fold([*company.events, *company.events])


def _every(kind: str) -> Iterator[str]:
    yield from (name for name, one in (RULES if kind == "command" else FACTS).items() if one.stream != "case")


def test_the_catalogue_is_told_whole(request: pytest.FixtureRequest) -> None:
    told = {
        getattr(item, "originalname", "") for item in request.session.items if item.path.name == Path(__file__).name
    }
    if {name for name in globals() if name.startswith("test_")} - told:
        pytest.skip("only some stories were told")
    assert {*_every("command"), *_every("event")} - REACHED == set()
