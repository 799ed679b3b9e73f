"""What stands beside the cases: companies, institutions, researchers, seeds, meetings, recommendations, dossiers."""

import json
from datetime import datetime
from typing import Final

import pytest
from rules_register import Register, example, pass_time
from rules_story import ACTORS, ORGS

from domain.law import RULES
from domain.streams import fold

pytestmark = pytest.mark.xdist_group("told")
NAMES: Final = sorted(name for name, one in RULES.items() if one.stream != "case")


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
    assert company.says("tanaka", "RegisterCompany", {"name": "有明陶業"}) == "already_done"


def test_a_bank_does_not_learn_which_companies_are_known(company: Register) -> None:
    for one in (company, Register("nobody-knows")):
        assert one.says("sato", "RegisterCompany", {"name": "有明陶業"}) == "not_permitted"


def test_a_company_has_one_id_and_takes_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    numbered = ORGS["ariake"].model_copy(update={"corporate_number": "4990101234567"})
    monkeypatch.setitem(ORGS, "ariake", numbered)
    again = {"name": "有明陶業", "corporate_number": "4990101234567"}
    assert Register("other").says("tanaka", "RegisterCompany", again) == "already_done"
    assert Register("ariake").says("tanaka", "RegisterCompany", again) == ["CompanyRegistered"]
    assert Register("jfs-saga").says("tanaka", "RegisterCompany", {"name": "x"}) == "invalid_field"


def test_what_is_no_institution_does_not_become_one() -> None:
    assert Register("jfs-saga").says("doi", "RegisterInstitution", {"name": "x"}) == "invalid_field"
    assert Register("new").says("doi", "RegisterInstitution", {"name": "x", "kind": "bank"}) == "invalid_field"


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


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """kyudai went on in sadai."""
    monkeypatch.setitem(ORGS, "kyudai", ORGS["kyudai"].model_copy(update={"successor_id": "sadai"}))


def test_nothing_goes_on_in_an_organization_that_is_gone_itself(gone: None) -> None:
    into = {"successor_id": "kyudai"}
    assert Register("hokudai").says("doi", "MergeOrganizations", into, reason="other") == "invalid_field"


def test_the_office_of_the_successor_keeps_the_seeds_and_researchers_of_the_old_one(
    seed: Register, researcher: Register, gone: None
) -> None:
    assert seed.says("saga-desk", "ReviseSeed", {"trl": 4}) == ["SeedRevised"]
    assert seed.says("sapporo-desk", "ReviseSeed", {"trl": 5}) == "not_permitted"
    changed = {"available": False}
    assert researcher.says("saga-desk", "ChangeResearcherAvailability", changed) == ["ResearcherAvailabilityChanged"]


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


def test_contacts_are_made_at_a_meeting_that_was_held(meeting: Register) -> None:
    met = {"company": "ariake", "researcher": "hayashi"}
    assert meeting.says("tanaka", "MakeContact", met) == "not_yet_happened"
    assert meeting.says("tanaka", "HoldExchangeEvent", {"on": "2026-04-10"}) == "not_yet_happened"
    assert meeting.stands == "planned"
    meeting.now = datetime.fromisoformat("2026-04-10T18:00:00+09:00")
    assert meeting.must("tanaka", "HoldExchangeEvent", {"seeds": ["seed-1"], "attendance": 42}).stands == "held"
    assert meeting.must("tanaka", "MakeContact", met).entry.contacts == 1
    assert meeting.says("tanaka", "MakeContact", {**met, "company": "jfs-saga"}) == "invalid_field"
    assert meeting.says("tanaka", "MakeContact", {**met, "researcher": "arita"}) == "invalid_field"
    assert meeting.says("tanaka", "HoldExchangeEvent") == "already_done"
    assert meeting.says("tanaka", "PlanExchangeEvent", {"kind": "joint_results"}) == "already_done"


def test_what_was_planned_of_a_meeting_holds_when_it_is_held() -> None:
    one = Register("results").must("tanaka", "PlanExchangeEvent", {"kind": "joint_results", "host": "kyudai"})
    [event] = one.do("tanaka", "HoldExchangeEvent", {"seeds": ["s1"], "needs": ["n1"], "attendance": 120})
    assert (event.data.kind, event.data.host, event.data.seeds, event.data.needs, event.data.attendance) == (
        *("joint_results", "kyudai"),
        *(("s1",), ("n1",), 120),
    )


@pytest.mark.parametrize(
    ("today", "friday"),
    [
        ("2026-04-01", "2026-04-10"),
        ("2026-04-10", "2026-05-08"),
        ("2026-12-31", "2027-01-08"),
        ("2027-08-01", "2027-08-16"),
        ("2028-08-01", "2028-08-16"),
    ],
)
def test_the_salon_is_on_the_second_friday_and_shifts_when_that_is_no_business_day(today: str, friday: str) -> None:
    """The paper's rule BYDAY=2FR."""
    one = Register("salon")
    one.now = datetime.fromisoformat(f"{today}T09:00:00+09:00")
    [event] = one.do("tanaka", "PlanExchangeEvent", {"kind": "second_friday_salon"})
    assert event.data.on.isoformat() == friday


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
