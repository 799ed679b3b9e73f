"""Data is erased on a legal basis by two persons; an organization goes on in another one and keeps its references."""

from rules_story import Story

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


def test_two_banks_of_a_case_that_become_one_follow_it_once(story: Story) -> None:
    story.in_review().attach("jfs-saga").must("system", "FollowOrganization", FOLLOWED)
    [referral] = story.state.referrals
    assert (referral.bank_id, referral.also) == ("jfs-saga", ("r-jfs-saga",))
    assert referral.seen == len(story.reads("ide"))


def test_a_third_bank_does_not_learn_of_a_merger(story: Story) -> None:
    story.in_review().attach("jfs-saga")
    story.must("system", "FollowOrganization", {"organization_id": "jfs-saga", "successor_id": "lender"})
    assert "OrganizationFollowed" not in [event.type for _, event, _ in story.reads("sato")]
    assert "lender" not in story.text_for("sato")


def test_a_company_goes_on_in_another(story: Story) -> None:
    story.in_review().must("system", "FollowOrganization", {"organization_id": "ariake", "successor_id": "genkai"})
    assert story.state.company_id == "genkai"
    assert story.says("genda", "SupplementNeed", {"fields": {"tried_before": "x"}}) == ["NeedSupplemented"]
