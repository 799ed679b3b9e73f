"""No reader learns more than the rules allow, from no corner of a case (invariants 2, 9, 13, 29; column Bank)."""

from rules_story import CONSENT, NEED, SECRET_PASSAGE, Story


def test_a_liaison_office_that_is_only_asked_reads_no_more_than_was_disclosed(story: Story) -> None:
    """Invariants 2, 9."""
    assert NEED["description"] not in story.offered().text_for("ueno")


def test_an_expert_sees_the_one_question(story: Story) -> None:
    """Invariant 29."""
    story.assigned(consent={**CONSENT, "recipients": ["center", "universities", "experts"]})
    story.must("tanaka", "ConsultSpecialist", {"expert_kind": "lawyer", "expert_id": "hori", "question": "妥当か。"})
    text = story.text_for("hori")
    assert "妥当か。" in text and NEED["description"] not in text


def test_a_reason_s_text_is_hidden_from_the_bank_where_the_event_is_summarized(story: Story) -> None:
    """Column Bank: S is type, date and reason class only."""
    story.drafted().must("arita", "AbandonAgreement", reason={"code": "price", "text": "上限二百万円"})
    assert "上限二百万円" not in story.text_for("sato")


def test_a_withdrawal_s_reason_reaches_the_bank_as_a_class_only(story: Story) -> None:
    """Script 7."""
    story.in_review().must("arita", "WithdrawConsent", reason={"code": "cost", "text": "資金繰りが悪い"})
    assert "資金繰りが悪い" not in story.text_for("sato")


def test_an_assigned_researcher_reads_no_class_of_data_outside_the_consent(story: Story) -> None:
    """Invariant 2."""
    story.assigned(consent={**CONSENT, "data_classes": ["public_summary"]})
    assert NEED["description"] not in story.text_for("hayashi")


def test_the_bank_reads_no_amount_in_an_amendment(story: Story) -> None:
    """AgreementSigned: amounts as band."""
    story.signed().must("ueno", "AmendAgreement", {"changes": {"direct": "1234567"}}).must("arita", "ConfirmDecision")
    assert "1234567" not in story.text_for("sato")


def test_a_redacted_passage_is_hidden_from_a_second_researcher(story: Story) -> None:
    """The company checks the report before others see it."""
    story.report_confirmed().at(48).offer("a2", "baba", "sadai", role="member").assign("a2", "baba", "saga-desk")
    assert SECRET_PASSAGE not in story.text_for("baba")


def test_a_redacted_passage_is_hidden_in_the_proposed_step_too(story: Story) -> None:
    """Invariant 13: the report as redacted."""
    report = {"findings": f"均一。{SECRET_PASSAGE}", "feasibility": "feasible", "proposed_step": SECRET_PASSAGE}
    story.visited().must("hayashi", "FileVisitReport", report)
    story.must("arita", "ConfirmVisitReport", {"redactions": [SECRET_PASSAGE]})
    assert SECRET_PASSAGE not in story.text_for("sato")


def test_a_liaison_office_reads_a_report_as_confirmed(story: Story) -> None:
    """VisitReport: others read it only as the company confirmed it."""
    assert SECRET_PASSAGE not in story.report_confirmed().text_for("ueno")


def test_a_researcher_s_interests_are_not_the_company_s_to_read(story: Story) -> None:
    """A declaration is for the conflict-of-interest officer and the center."""
    tie = {"interests": [{"kind": "side_job", "company_ref": "競合の社名"}]}
    story.offered().must("hayashi", "DeclareInterests", tie)
    assert "競合の社名" not in story.text_for("arita")


def test_another_researcher_s_interests_stay_with_the_other(story: Story) -> None:
    """Invariant 29."""
    story.assigned().offer("a2", "baba", "sadai", role="member")
    story.must("baba", "DeclareInterests", {"interests": [{"kind": "side_job", "company_ref": "競合の社名"}]})
    assert "競合の社名" not in story.text_for("hayashi")


def test_a_researcher_who_left_reads_nothing_that_came_later(story: Story) -> None:
    """Invariant 29."""
    story.assigned().must("hayashi", "ReleaseResearcher", reason="moved")
    story.offer("a2", "baba", "sadai").assign("a2", "baba", "saga-desk")
    story.must("arita", "SupplementNeed", {"fields": {"tried_before": "後から分かったこと"}})
    assert "後から分かったこと" not in story.text_for("hayashi")


def test_hidden_work_does_not_move_what_the_bank_sees(story: Story) -> None:
    """A bank counts only what it may see; nothing else tells it that something happened."""
    story.in_review()
    before = story.sees("sato")
    story.at(2).must("tanaka", "AddNote", {"text": "内部"})
    assert story.sees("sato") == before


def test_a_correction_is_seen_no_further_than_what_it_corrects(story: Story) -> None:
    """Column Bank of the corrected event."""
    story.triaged()
    check = next(one for one in story.events if one.type == "ComplianceChecked")
    right = {"corrects_event_id": check.event_id, "right_value": {"result": "反社該当"}}
    story.must("doi", "CorrectEvent", right, reason="other").must("mori", "ConfirmDecision")
    assert "反社該当" not in story.text_for("sato")


def test_more_time_for_what_a_bank_does_not_see_is_not_told_to_it(story: Story) -> None:
    """AssignmentOffered is hidden from the bank, and so is its wait."""
    story.offered().must("tanaka", "ExtendDeadline", {"timer": "offer", "to": "2026-05-29"}, reason="other")
    assert '"a1"' not in story.text_for("sato")


def test_who_is_to_confirm_reads_the_proposal(story: Story) -> None:
    """A second person decides on what is read."""
    story.in_research().must("ueno", "RenewAgreement", {"new_ends_on": "2028-03-31"})
    assert "2028-03-31" in story.text_for("arita")
