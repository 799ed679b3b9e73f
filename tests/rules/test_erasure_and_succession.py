"""Data is erased on a legal basis by two persons; an organization goes on in another one and keeps its references."""

from rules_story import ACTORS, CONSENT, Story

from domain.views import seen_events

BASIS = {"erasure_id": "e1", "basis": "個人情報保護法第35条"}


def test_an_erasure_wants_a_basis_and_two_persons(story: Story) -> None:
    story.in_review().must("arita", "RequestErasure", BASIS)
    assert story.says("arita", "RequestErasure", BASIS) == "already_done"
    assert story.says("doi", "DecideErasure", {"decision": "rejected"}) == "reason_required"
    assert story.says("doi", "DecideErasure", {"decision": "approved"}) == ["ErasureDecided"]
    assert story.says("doi", "DecideErasure", {"decision": "approved"}) == "already_done"
    done = {"erasure_id": "e1", "keys_destroyed": 1}
    assert story.says("system", "ExecuteErasure", done) == ["ErasureExecuted"]
    assert story.says("system", "ExecuteErasure", done) == []


def test_nobody_decides_on_the_own_request(story: Story) -> None:
    story.in_review().must("doi", "RequestErasure", {**BASIS, "subject": "sato"})
    assert story.says("doi", "DecideErasure", {"decision": "approved"}) == "four_eyes_required"
    assert story.says("doi", "DecideErasure", {"erasure_id": "e9", "decision": "approved"}) == "invalid_field"


def test_a_company_asks_for_its_own_texts_only(story: Story) -> None:
    assert story.in_review().says("arita", "RequestErasure", {**BASIS, "subject": "sato"}) == "not_permitted"


def test_texts_are_erased_after_the_end_and_without_a_consent(story: Story) -> None:
    """Invariant 1 names erasure among the exceptions; script 7."""
    story.in_review().must("arita", "WithdrawConsent", reason="management_change").at(60)
    assert story.says("arita", "RequestErasure", BASIS) == ["ErasureRequested"]


def test_no_bank_reads_of_an_erasure(story: Story) -> None:
    story.in_review().must("doi", "RequestErasure", BASIS)
    assert "ErasureRequested" not in [event.type for _, event, _ in story.reads("sato")]


def test_of_an_erasure_the_company_and_the_center_alone_read(story: Story) -> None:
    story.in_research().must("doi", "RequestErasure", BASIS).must("mori", "AddNote", {"text": "x"})
    read = {
        person: "ErasureRequested" in [event.type for _, event, _ in story.reads(person)]
        for person in ("arita", "doi", "kato", "hayashi", "ueno", "sato")
    }
    assert read == {"arita": True, "doi": True, "kato": True, "hayashi": False, "ueno": False, "sato": False}
    assert BASIS["basis"] not in story.text_for("hayashi")


def test_what_was_erased_names_the_subject_and_the_basis(story: Story) -> None:
    story.in_review().must("arita", "RequestErasure", BASIS).must("doi", "DecideErasure", {"decision": "approved"})
    [event] = story.do("system", "ExecuteErasure", {"erasure_id": "e1", "keys_destroyed": 3})
    assert (event.data.subject, event.data.basis, event.data.keys_destroyed) == ("case", BASIS["basis"], 3)


LENT = {**CONSENT, "recipients": ["center", "lender"], "purposes": ["lending_evaluation"]}
READ = {"what": "feed", "lender_id": "lender", "reader_id": "kashi"}


def test_an_auditor_s_reading_is_on_record_after_the_end_and_without_a_consent(story: Story) -> None:
    story.in_review().must("arita", "WithdrawConsent", reason="management_change").at(60)
    before = story.state.version
    [event] = story.do("kato", "ViewRecord", {"what": "case"})
    read = event.data
    assert (read.what, read.reader_role, read.reader_id, read.seen_version) == ("case", "auditor", "kato", before)


def test_a_lender_s_reading_is_noted_by_the_system_while_its_consent_holds(story: Story) -> None:
    story.in_review()
    assert story.says("system", "ViewRecord", {"what": "feed"}) == "invalid_field"
    assert story.says("system", "ViewRecord", READ) == "lending_consent_required"
    story.must("arita", "RecordConsent", {**LENT, "consent_id": "k2"})
    [event] = story.do("system", "ViewRecord", READ)
    assert (event.data.reader_role, event.data.reader_id, event.data.org_id) == ("lender_officer", "kashi", "lender")
    story.must("arita", "WithdrawConsent", {"consent_id": "k2"}, reason="cost")
    assert story.says("system", "ViewRecord", READ) == "lending_consent_required"


def test_who_reads_a_record_is_known_to_the_center_alone_and_moves_no_bank_s_number(story: Story) -> None:
    story.in_research().must("arita", "RecordConsent", LENT)
    seen = story.sees("sato")["version"]
    story.must("system", "ViewRecord", READ).must("kato", "ViewRecord")
    for person in ("sato", "arita", "hayashi", "ueno"):
        assert "RecordViewed" not in [event.type for _, event, _ in story.reads(person)]
    assert story.sees("sato")["version"] == seen
    assert [event.type for _, event, _ in story.reads("kato")][-2:] == ["RecordViewed"] * 2


FOLLOWED = {"organization_id": "jfs-fukuoka", "successor_id": "jfs-saga"}


def test_a_bank_that_took_over_another_follows_its_cases_under_the_old_reference(story: Story) -> None:
    """Script 10."""
    story.in_review()
    before = story.sees("sato")
    assert story.says("system", "FollowOrganization", FOLLOWED) == ["OrganizationFollowed"]
    [referral] = story.state.referrals
    assert (referral.bank_id, referral.bank_reference) == ("jfs-saga", before["referral"]["bank_reference"])
    assert story.sees("ide")["need"] == before["need"]
    assert [event.type for _, event, _ in story.reads("ide")][-1] == "OrganizationFollowed"
    assert story.says("sato", "SupplementNeed", {"fields": {"tried_before": "x"}}) == "unknown_case"
    assert story.says("system", "FollowOrganization", FOLLOWED) == []


def test_a_bank_that_merged_goes_on_counting_and_reading_what_its_people_did_before(story: Story) -> None:
    """No number jumps: what another bank would not have seen is still its own."""
    story.in_review().must("sato", "SupplementNeed", {"fields": {"tried_before": "x"}})
    story.must("sato", "AssignBankOfficer", {"officer_id": "ono"})
    before = [(number, event.event_id, body) for number, event, body in story.reads("sato")]
    story.must("system", "FollowOrganization", FOLLOWED)
    after = [(number, event.event_id, body) for number, event, body in story.reads("ide")]
    assert after[:-1] == before
    assert story.state.referrals[0].seen == len(after)
    assert story.state.officers == {"jfs-saga": "ono"}
    story.must("ide", "SupplementNeed", {"fields": {"tried_before": "y"}})
    assert story.state.referrals[0].seen == len(story.reads("ide")) == len(after) + 1


def test_what_the_other_bank_did_for_itself_before_a_merger_stays_unseen(story: Story) -> None:
    """The merged bank's numbers are those of the referral that goes on."""
    story.in_review().attach("jfs-saga").must("ide", "AssignBankOfficer", {"officer_id": "ide"})
    before = len(story.reads("sato"))
    story.must("system", "FollowOrganization", FOLLOWED)
    assert len(story.reads("ide")) == story.state.referrals[0].seen == before + 1


def test_of_two_referrals_of_one_bank_that_which_still_runs_goes_on(story: Story) -> None:
    story.in_review().attach("jfs-saga").must("sato", "RequestCancellation", reason="client_left_bank")
    story.must("tanaka", "ConfirmCancellation").must("system", "FollowOrganization", FOLLOWED)
    ended, running = story.state.referrals
    assert (ended.bank_id, running.bank_id, running.until) == ("jfs-saga", "jfs-saga", None)
    assert ended.until is not None and running.seen == len(story.reads("ide"))


def test_an_institution_goes_on_in_another_with_its_offers_agreements_and_consents(story: Story) -> None:
    story.drafted(consent={**CONSENT, "recipients": ["center", "kyudai", "sadai"]})
    story.must("system", "FollowOrganization", {"organization_id": "kyudai", "successor_id": "sadai"})
    assert [one.institution_id for one in story.state.assignments.values()] == ["sadai"]
    assert [(one.institution_id, one.parties) for one in story.state.agreements.values()] == [
        ("sadai", ("sadai", "ariake"))
    ]
    assert [one.recipients for one in story.state.consents.values()] == [("center", "sadai")]
    assert story.says("saga-desk", "ApproveAgreement", {"agreement_id": "g1"}) == ["AgreementApproved"]
    assert story.says("ueno", "ApproveAgreement", {"agreement_id": "g1"}) == "unknown_case"
    assert "OrganizationFollowed" not in [event.type for _, event, _ in story.reads("sato")]


def test_no_state_names_an_organization_that_is_gone(story: Story) -> None:
    """But for who stood at the company's door, which is what happened."""
    story.licensed(consent={**CONSENT, "recipients": ["center", "kyudai"]})
    story.must("system", "FollowOrganization", {"organization_id": "kyudai", "successor_id": "sadai"})
    kept = story.state.model_dump_json(exclude={"visits"})
    assert '"kyudai"' not in kept and '"sadai"' in kept


def test_a_merger_of_strangers_means_nothing_to_a_case(story: Story) -> None:
    nothing = {"organization_id": "genkai", "successor_id": "ariake"}
    assert story.in_review().says("system", "FollowOrganization", nothing) == []


def test_two_banks_of_a_case_that_become_one_follow_it_under_two_names(story: Story) -> None:
    story.in_review().attach("jfs-saga").must("system", "FollowOrganization", FOLLOWED)
    assert [(one.bank_id, one.home) for one in story.state.referrals] == [("jfs-saga", None), ("jfs-saga", "c2")]
    for one in story.state.referrals:
        alone = story.state.but(referrals=(one,))
        assert one.seen == len(seen_events(story.events, ACTORS["ide"], alone, story.now))


def test_a_third_bank_does_not_learn_of_a_merger(story: Story) -> None:
    story.in_review().attach("jfs-saga")
    story.must("system", "FollowOrganization", {"organization_id": "jfs-saga", "successor_id": "lender"})
    assert "OrganizationFollowed" not in [event.type for _, event, _ in story.reads("sato")]
    assert "lender" not in story.text_for("sato")


def test_a_company_goes_on_in_another(story: Story) -> None:
    story.in_review().must("system", "FollowOrganization", {"organization_id": "ariake", "successor_id": "genkai"})
    assert story.state.company_id == "genkai"
    assert story.says("genda", "SupplementNeed", {"fields": {"tried_before": "x"}}) == ["NeedSupplemented"]


def test_a_proposal_whose_words_are_erased_falls(story: Story) -> None:
    story.in_research().must("ueno", "AmendAgreement", {"changes": {"scope": "試験条件の追加"}})
    story.must("arita", "RequestErasure", BASIS).must("doi", "DecideErasure", {"decision": "approved"})
    story.must("system", "ExecuteErasure", {"erasure_id": "e1", "keys_destroyed": 1})
    assert story.state.proposals == {} and story.says("arita", "ConfirmDecision") == "already_done"
