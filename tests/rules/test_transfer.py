"""Transfer: nothing is licensed before its owner is decided, nothing published before the parties looked."""

import pytest
from rules_story import Story, refused

LICENSE = {"invention_ids": ["i1"], "exclusivity": "exclusive", "consideration_band": "under_1m"}


def test_an_invention_belongs_to_an_agreement_or_the_background(story: Story) -> None:
    story.in_research()
    disclosed = {"invention_id": "i1", "inventors": ["hayashi"]}
    assert story.says("hayashi", "DiscloseInvention", {**disclosed, "related_agreement": "g9"}) == "unknown_agreement"
    [event] = story.do("hayashi", "DiscloseInvention", disclosed)
    assert event.data.related_agreement == "g1"
    assert story.says("hayashi", "DiscloseInvention", disclosed) == "already_done"
    background = {**disclosed, "invention_id": "i2", "related_agreement": "background"}
    assert story.says("ueno", "DiscloseInvention", background) == ["InventionDisclosed"]


def test_the_owner_is_decided_once(story: Story) -> None:
    assert story.with_invention().stands == ("research", "open")
    assert story.says("ueno", "DecideOwnership", {"owner": "joint"}) == ["InventionOwnershipDecided"]
    assert story.stands == ("transfer", "open")
    assert story.says("ueno", "DecideOwnership", {"owner": "company"}) == "already_done"
    assert story.says("ueno", "DecideOwnership", {"invention_id": "i9", "owner": "joint"}) == "invalid_field"


@pytest.mark.parametrize("name", ["RecordLicense", "RecordAssignmentOfRights"])
@pytest.mark.parametrize("owner", [None, "company", "inventor"])
def test_only_the_decided_owner_transfers(story: Story, name: str, owner: str | None) -> None:
    assert story.with_invention(owner).says("toda", name, {"invention_ids": ["i1"]}) == "not_owner"


@pytest.mark.parametrize("name", ["RecordLicense", "RecordAssignmentOfRights"])
def test_a_joint_owner_agrees(story: Story, name: str) -> None:
    story.with_invention("joint")
    assert story.says("ueno", name, {"invention_ids": ["i1"]}) == "co_owner_consent_required"
    agreed = {"transfer_id": "t1", "invention_ids": ["i1"], "co_owner_consent": "doc_yes"}
    assert len(story.says("ueno", name, agreed)) == 1


def test_a_transfer_is_recorded_once(story: Story) -> None:
    again = {"transfer_id": "t1", "invention_ids": ["i1"]}
    assert story.licensed().says("ueno", "RecordLicense", again) == "already_done"


def test_without_any_owner_there_is_nothing_to_license(story: Story) -> None:
    assert story.in_research().says("ueno", "RecordLicense") == "not_owner"


def test_a_license_supports_the_end_transferred(story: Story) -> None:
    assert story.licensed().says("tanaka", "CloseCase", {"disposition": "transferred"}) == ["CaseClosed"]


def test_a_filing_comes_before_its_grant(story: Story) -> None:
    filing = {"invention_id": "i1", "office": "jpo", "joint": True, "applicants": ["kyudai", "ariake"]}
    story.with_invention("joint")
    assert story.says("toda", "RecordGrant", filing) == "not_yet_happened"
    assert story.says("toda", "RecordFiling", filing) == ["PatentApplicationFiled"]
    assert story.says("arita", "RecordGrant", {**filing, "number": "1"}) == ["PatentGranted"]


def test_nothing_is_published_while_the_review_is_open(story: Story) -> None:
    story.with_invention().must("hayashi", "RequestPublicationReview", {"publication_id": "p1"})
    assert story.says("hayashi", "RequestPublicationReview", {"publication_id": "p1"}) == "already_done"
    assert story.says("hayashi", "PublishResults") == "publication_review_open"
    assert story.says("arita", "ClearPublication") == ["PublicationCleared"]
    assert story.says("arita", "ClearPublication") == "already_done"
    assert story.says("hayashi", "PublishResults", {"on": "2027-12-01"}) == "not_yet_happened"
    assert story.says("hayashi", "PublishResults") == ["ResultsPublished"]


def test_a_delayed_publication_waits(story: Story) -> None:
    story.with_invention().must("hayashi", "RequestPublicationReview")
    story.must("ueno", "ClearPublication", {"delayed_until": "2027-02-01"})
    assert story.says("hayashi", "PublishResults") == "publication_review_open"
    assert story.at("2027-02-01T09:00:00+09:00").says("hayashi", "PublishResults") == ["ResultsPublished"]


@pytest.mark.parametrize("owner", [None, "institution", "joint", "company"])
def test_nothing_is_published_unseen_while_an_invention_is_open(story: Story, owner: str | None) -> None:
    """6c 20: a disclosure or filing is open."""
    story.with_invention(owner)
    assert story.says("hayashi", "PublishResults") == "publication_review_open"
    if owner:
        story.must("ueno", "RecordFiling", {"office": "jpo"})
        assert story.says("hayashi", "PublishResults") == "publication_review_open"


def test_without_an_open_invention_results_are_published_freely(story: Story) -> None:
    assert story.in_research().says("hayashi", "PublishResults", {"publication_id": "p1"}) == ["ResultsPublished"]
    assert story.says("hayashi", "PublishResults", {"publication_id": "p1"}) == "already_done"


@pytest.mark.parametrize("end", ["inventor", "grant", "given_up"])
def test_an_invention_that_is_settled_holds_no_publication_back(story: Story, end: str) -> None:
    story.with_invention("inventor" if end == "inventor" else "institution")
    if end == "grant":
        story.must("ueno", "RecordFiling", {"office": "jpo"}).must("ueno", "RecordGrant", {"office": "jpo"})
    if end == "given_up":
        story.must("ueno", "AbandonTransfer", reason="price")
    assert story.says("hayashi", "PublishResults") == ["ResultsPublished"]


def shared(story: Story) -> Story:
    """baba of sadai is a member, and sadai is a party."""
    return story.with_invention().offer("a2", "baba", "sadai", role="member").assign("a2", "baba", "saga-desk")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("DecideOwnership", {"owner": "institution"}),
        ("RecordFiling", {"office": "jpo"}),
        ("RecordLicense", {"invention_ids": ["i1"]}),
        ("RecordAssignmentOfRights", {"invention_ids": ["i1"]}),
    ],
)
def test_another_institution_s_office_has_no_say_in_an_invention(
    story: Story, name: str, data: dict[str, object]
) -> None:
    """6c 19, 29: the institution it was disclosed to."""
    shared(story)
    if name.startswith("Record"):
        story.must("ueno", "DecideOwnership", {"owner": "institution"})
    assert story.says("saga-desk", name, data) == "not_permitted"


@pytest.mark.parametrize(
    ("licensor", "says"),
    [("kyudai", ["LicenseGranted"]), ("tlo", ["LicenseGranted"]), ("sadai", "not_owner"), ("ariake", "not_owner")],
)
def test_who_is_known_and_licenses_is_the_owner_or_its_tlo(story: Story, licensor: str, says: object) -> None:
    story.with_invention("institution")
    assert story.says("toda", "RecordLicense", {"invention_ids": ["i1"], "licensor": licensor}) == says


def test_a_company_that_owns_a_half_licenses_with_the_other_s_word(story: Story) -> None:
    half = {"invention_ids": ["i1"], "licensor": "ariake", "co_owner_consent": "doc_yes"}
    assert story.with_invention("joint").says("ueno", "RecordLicense", half) == ["LicenseGranted"]


def test_without_naming_inventions_those_are_licensed_that_can_be(story: Story) -> None:
    story.with_invention("company").must("hayashi", "DiscloseInvention", {"invention_id": "i2", "inventors": ["x"]})
    story.must("ueno", "DecideOwnership", {"invention_id": "i2", "owner": "institution"})
    [event] = story.do("ueno", "RecordLicense")
    assert event.data.invention_ids == ("i2",)


def test_know_how_needs_no_invention(story: Story) -> None:
    story.in_research()
    assert story.says("ueno", "RecordKnowHow", {"invention_ids": ["i9"]}) == "invalid_field"
    assert story.says("ueno", "RecordKnowHow", {"field": "焼結条件"}) == ["KnowHowTransferred"]
    assert story.stands == ("transfer", "open")


def test_a_transfer_is_given_up_with_a_reason(story: Story) -> None:
    assert story.in_research().says("ueno", "AbandonTransfer", reason="price") == "invalid_field"
    story.at(260).must("hayashi", "DiscloseInvention", {"inventors": ["hayashi"]})
    assert story.says("toda", "AbandonTransfer") == "reason_required"
    assert story.says("toda", "AbandonTransfer", reason="price") == ["TransferAbandoned"]


def test_a_start_up_is_founded_and_listed(story: Story) -> None:
    story.in_research()
    founded = {"startup_company_id": "model-mouse", "founded_on": "2026-11-17"}
    assert story.says("ueno", "RecordStartup", founded) == ["StartupFounded"]
    assert story.stands == ("transfer", "open")
    listed = {"startup_company_id": "model-mouse", "market": "グロース", "listed_on": "2026-11-17"}
    assert story.says("tanaka", "RecordStartup", listed) == ["StartupListed"]
    assert story.says("tanaka", "RecordStartup", listed) == "already_done"
    assert story.says("ueno", "RecordStartup", founded) == "already_done"


def test_a_start_up_is_no_license(story: Story) -> None:
    assert story.licensed().says("ueno", "RecordStartup", {"startup_company_id": "t1"}) == "invalid_field"


def test_a_right_that_was_handed_over_is_not_handed_over_again(story: Story) -> None:
    """Invariant 19."""
    story.with_invention("institution").must("ueno", "RecordAssignmentOfRights", {"invention_ids": ["i1"]})
    assert story.says("ueno", "RecordLicense", {"invention_ids": ["i1"]}) == "not_owner"


def test_a_publication_is_cleared_or_delayed_and_nothing_else(story: Story) -> None:
    """PublicationCleared: result{cleared, delayed_until}."""
    story.with_invention().must("hayashi", "RequestPublicationReview")
    story.must("arita", "ClearPublication", {"result": "delayed"})
    assert story.says("hayashi", "PublishResults") == "publication_review_open"


@pytest.mark.parametrize("data", [{"founded_on": "2030-01-01"}, {"listed_on": "2030-01-01", "market": "growth"}])
def test_a_start_up_is_not_founded_or_listed_in_the_future(story: Story, data: dict[str, str]) -> None:
    """Invariant 28."""
    assert refused(story.in_research().says("ueno", "RecordStartup", {"startup_company_id": "x", **data}))


def test_a_start_up_is_founded_before_it_is_listed(story: Story) -> None:
    """6a: StartupFounded, StartupListed."""
    listing = {"startup_company_id": "nobody", "listed_on": "2026-11-01", "market": "growth"}
    assert refused(story.in_research().says("ueno", "RecordStartup", listing))
