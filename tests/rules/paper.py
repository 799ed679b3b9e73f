"""The rows of the domain reference, sections 6a and 6b: events, fields, commands, who gives them, what a bank sees."""

from typing import Final, NamedTuple

ROLES: Final = {
    "BO": "bank_officer",
    "LO": "lender_officer",
    "CR": "company_representative",
    "CO": "coordinator",
    "SC": "senior_coordinator",
    "RS": "researcher",
    "UL": "university_liaison",
    "TL": "tlo_officer",
    "EX": "expert",
    "ST": "strategy_analyst",
    "AU": "auditor",
    "SY": "system",
    "DS": "data_steward",
}


class Row(NamedTuple):
    """Events, their fields beyond the envelope, the commands and who gives them, and the column Bank."""

    events: str
    fields: str
    commands: str
    who: str
    bank: str = "-"


CASES: Final = (
    Row("CaseOpened", "case_no origin referral_id company_id center_id", "ReferNeed", "BO CO", "F"),
    Row(
        "NeedReferred",
        "need_id bank_id bank_reference title public_summary description field_codes program_tags urgency desired_by "
        "budget_band tried_before",
        "ReferNeed",
        "BO CO",
        "F",
    ),
    Row("CompanyConsentRecorded", "consent_id scope given_by method", "RecordConsent", "CR BO", "F"),
    Row("CompanyConsentChanged", "consent_id old_scope new_scope", "ChangeConsent", "CR", "S"),
    Row("CompanyConsentWithdrawn", "consent_id effective_at", "WithdrawConsent", "CR", "S"),
    Row("NeedInformationRequested", "questions due_on from_role", "RequestInformation", "CO", "F"),
    Row("NeedSupplemented", "fields documents", "SupplementNeed", "BO CR", "F"),
    Row("DuplicateSuspected", "other_case_id score basis", "SuspectDuplicate", "SY CO"),
    Row("DuplicateDismissed", "other_case_id", "DismissDuplicate", "CO"),
    Row("CaseMergedInto", "surviving_case_id", "MergeCases", "CO", "S"),
    Row("ReferralAttached", "referral_id bank_id", "MergeCases", "CO", "F"),
    Row("CoordinatorAssigned", "coordinator_id previous_id", "AssignCoordinator", "CO", "F"),
    Row("ReviewStarted", "coordinator_id", "StartReview", "CO", "F"),
    Row("ComplianceChecked", "kind result checked_by", "RecordComplianceCheck", "CO UL"),
    Row("NeedTriaged", "route criteria initial_trl", "TriageNeed", "CO", "F"),
    Row("NeedDeclined", "advice", "DeclineNeed", "CO", "F"),
    Row("NeedRedirected", "to_org programme", "RedirectNeed", "CO", "F"),
    Row("SpecialistConsulted", "expert_kind expert_id question answer_doc fee_by", "ConsultSpecialist", "CO", "S"),
    Row("NdaExecuted", "nda_id parties valid_until", "RecordNda", "CO UL", "S"),
    Row("ResearcherSearchOpened", "search_id scope query catalog_version", "OpenSearch", "CO", "S"),
    Row("ResearcherShortlisted", "search_id candidates ranker_version", "ShortlistResearchers", "SY CO"),
    Row("SearchWidened", "search_id from_scope to_scope", "WidenSearch", "CO", "F"),
    Row("NoResearcherFound", "search_id scopes asked_count reason_counts", "ConcludeSearchEmpty", "CO", "F"),
    Row(
        "AssignmentOffered",
        "assignment_id researcher_id institution_id role respond_by disclosed_fields",
        "OfferAssignment",
        "CO",
    ),
    Row("AssignmentAccepted", "assignment_id party", "AcceptAssignment", "RS UL", "S"),
    Row("AssignmentDeclined", "assignment_id", "DeclineAssignment", "RS UL"),
    Row("AssignmentExpired", "assignment_id", "FallDue", "SY"),
    Row("ConflictOfInterestDeclared", "assignment_id interests", "DeclareInterests", "RS CO EX"),
    Row("ConflictOfInterestDecided", "assignment_id decision conditions", "DecideConflict", "UL SC", "S"),
    Row("ResearcherAssigned", "assignment_id lead", "ConfirmAssignment", "CO", "F"),
    Row("ResearcherReleased", "assignment_id cause", "ReleaseResearcher", "RS UL CO", "F"),
    Row("VisitScheduled", "visit_id at place attendees bank_attends", "ScheduleVisit", "CO", "F"),
    Row("VisitRescheduled", "visit_id new_at", "RescheduleVisit", "CO CR RS", "F"),
    Row("VisitCancelled", "visit_id cancelled_by", "CancelVisit", "CO CR RS", "F"),
    Row("VisitHeld", "visit_id at attended absent", "RecordVisitHeld", "CO", "F"),
    Row(
        "VisitReportFiled",
        "report_id visit_id version findings feasibility proposed_step trl_seen",
        "FileVisitReport",
        "CO RS",
        "S",
    ),
    Row("VisitReportConfirmed", "report_id version redactions", "ConfirmVisitReport", "CR", "F"),
    Row("ConsultationStarted", "consultation_id kind period fee indirect_rate", "StartConsultation", "UL CO", "F"),
    Row("ConsultationConcluded", "consultation_id outcome report", "ConcludeConsultation", "RS CO", "F"),
    Row(
        "AgreementDrafted",
        "agreement_id kind template_family template_no version parties",
        "DraftAgreement",
        "UL",
        "S",
    ),
    Row("AgreementCountered", "agreement_id version open_points", "CounterAgreement", "UL CR", "S"),
    Row(
        "AgreementSigned",
        "agreement_id version signed_on effective_on ends_on costs ownership options publication_delay_days "
        "confidential_until signatories",
        "SignAgreement",
        "UL",
        "F",
    ),
    Row("AgreementAbandoned", "agreement_id open_points", "AbandonAgreement", "UL CR", "S"),
    Row("AgreementAmended", "agreement_id changes", "AmendAgreement", "UL CR", "F"),
    Row("AgreementRenewed", "agreement_id new_ends_on successor_id", "RenewAgreement", "UL CR", "F"),
    Row("AgreementTerminated", "agreement_id by", "TerminateAgreement", "UL CR", "F"),
    Row("AgreementExpired", "agreement_id", "FallDue", "SY", "F"),
    Row("PaymentConfirmed", "agreement_id amount_band received_on", "ConfirmPayment", "UL", "S"),
    Row("ResearchStarted", "agreement_id", "StartResearch", "RS UL", "F"),
    Row("ResearchCompleted", "agreement_id outcome final_report", "CompleteResearch", "RS UL", "F"),
    Row("ResearchSuspended", "agreement_id expected_resume_on", "SuspendResearch", "UL CR", "F"),
    Row("ResearchResumed", "agreement_id", "ResumeResearch", "UL CR", "F"),
    Row("MilestonePlanned", "milestone_id title criterion due_on", "PlanMilestone", "RS CO", "F"),
    Row("MilestoneReached", "milestone_id evidence", "RecordMilestone", "RS", "F"),
    Row("MilestoneMissed", "milestone_id new_due_on", "RecordMilestone FallDue", "RS SY", "F"),
    Row("ReadinessAssessed", "scale level assessor_ref basis evidence", "AssessReadiness", "RS EX CO", "F"),
    Row(
        "InventionDisclosed",
        "invention_id inventors related_agreement publication_planned_on",
        "DiscloseInvention",
        "RS UL",
    ),
    Row("InventionOwnershipDecided", "invention_id owner", "DecideOwnership", "UL", "S"),
    Row("PatentApplicationFiled", "invention_id office number joint applicants", "RecordFiling", "UL TL CR", "S"),
    Row("PatentGranted", "invention_id", "RecordGrant", "UL TL CR", "F"),
    Row("PublicationReviewRequested", "publication_id due_on", "RequestPublicationReview", "RS"),
    Row("PublicationCleared", "publication_id result delayed_until", "ClearPublication", "CR UL"),
    Row(
        "LicenseGranted",
        "transfer_id invention_ids licensor licensee exclusivity field territory term consideration_band",
        "RecordLicense",
        "TL UL",
        "F",
    ),
    Row(
        "RightsAssigned",
        "transfer_id invention_ids licensor licensee field territory term consideration_band",
        "RecordAssignmentOfRights",
        "TL UL",
        "F",
    ),
    Row(
        "KnowHowTransferred",
        "transfer_id invention_ids licensor licensee exclusivity field territory term consideration_band",
        "RecordKnowHow",
        "TL UL",
        "F",
    ),
    Row("StartupFounded", "startup_company_id founded_on", "RecordStartup", "UL CO", "F"),
    Row("StartupListed", "startup_company_id market listed_on", "RecordStartup", "UL CO", "F"),
    Row("TransferAbandoned", "invention_ids", "AbandonTransfer", "TL UL", "S"),
    Row("ProductPrototyped", "product_id name", "ReportProduct", "CR BO", "F"),
    Row("ProductReleased", "product_id name released_on", "ReportProduct", "CR BO", "F"),
    Row("OrdersReported", "product_id order_band customer_class", "ReportOrders", "CR BO", "F"),
    Row("FundingRecorded", "source programme amount_band period", "RecordFunding", "CR CO", "F"),
    Row(
        "CompanyFactsDeclared",
        "rd_staff rd_spend_band patents certificates as_of",
        "DeclareCompanyFacts",
        "CR CO",
        "F",
    ),
    Row("CaseHeld", "until", "HoldCase", "CO", "F"),
    Row("CaseResumed", "", "ResumeCase", "CO", "F"),
    Row("CaseClosed", "disposition outcome_summary", "CloseCase", "CO", "F"),
    Row("CaseReopened", "", "ReopenCase", "CO", "F"),
    Row("CaseCancellationRequested", "by", "RequestCancellation", "BO CR", "F"),
    Row("CaseCancellationConfirmed", "effects", "ConfirmCancellation", "CO", "F"),
    Row("ReminderSent CaseEscalated", "timer to_role level", "FallDue", "SY", "S"),
    Row("NoteRecorded", "text", "AddNote", "CO RS"),
    Row("CorrectionRecorded", "corrects_event_id right_value", "CorrectEvent", "DS", "F"),
    Row("FollowUpRecorded", "jobs sales_band continued", "RecordFollowUp", "CR BO CO", "F"),
)
"""The 61 rows of 6a, where a row of several alternatives is told in as many."""

FURTHER: Final = (
    Row("DecisionProposed", "proposal_id command data", "", ""),
    Row("DecisionRejected", "proposal_id", "RejectDecision", "*"),
    Row("AgreementApproved", "agreement_id version party", "ApproveAgreement", "UL CR", "*"),
    Row("ResultsPublished", "publication_id on", "PublishResults", "*", "*"),
    Row("DeadlineExtended", "timer to", "ExtendDeadline", "CO", "*"),
    Row("CompanyRegistered", "company_id corporate_number name prefecture", "RegisterCompany", "CO DS SY"),
    Row("OrganizationMerged", "organization_id successor_id", "MergeOrganizations", "DS"),
    Row("BankOfficerAssigned", "officer_id previous_id", "AssignBankOfficer", "BO", "*"),
    Row("ErasureRequested", "erasure_id subject basis", "RequestErasure", "DS CR"),
    Row("ErasureDecided", "erasure_id decision", "DecideErasure", "DS"),
    Row("ErasureExecuted", "erasure_id subject basis", "ExecuteErasure", "SY"),
    Row("RecordViewed", "what reader_role reader_id org_id", "ViewRecord", "AU SY"),
)
"""Further events and commands which the rules need (6a, below the table). A * is not told there."""

ENTRIES: Final = (
    Row("EvidenceDossierRequested", "case_id lender_id purpose lending_context lang", "RequestDossier", "LO BO"),
    Row(
        "EvidenceDossierIssued",
        "version cut_off_version content_hash consent_id",
        "ReleaseDossier SupersedeDossier",
        "CO SY",
    ),
    Row("EvidenceDossierSuperseded", "version", "SupersedeDossier", "SY"),
    Row("EvidenceShareRevoked", "version", "RevokeShare", "CR SC SY"),
    Row("DossierViewed", "version", "ViewDossier", "LO"),
    Row("LoanOutcomeNoted", "made", "NoteLoanOutcome", "LO"),
    Row("SeedPublished", "seed_id title summary", "PublishSeed", "UL RS"),
    Row("SeedRevised", "seed_id fields", "ReviseSeed", "UL RS"),
    Row("SeedRetired", "seed_id", "RetireSeed", "UL RS"),
    Row("SeedRenewalRequested", "seed_id", "RequestSeedRenewal", "SY CO"),
    Row("ResearcherRegistered", "researcher_id institution_id", "RegisterResearcher", "UL"),
    Row("ResearcherAvailabilityChanged", "researcher_id available", "ChangeResearcherAvailability", "UL"),
    Row("ResearcherMoved", "researcher_id institution_id", "MoveResearcher", "UL"),
    Row("ResearcherRetired", "researcher_id", "RetireResearcher", "UL"),
    Row("InstitutionRegistered", "institution_id indirect_rate forms", "RegisterInstitution", "UL DS"),
    Row("InstitutionTermsChanged", "institution_id indirect_rate forms", "ChangeInstitutionTerms", "UL DS"),
    Row("ExchangeEventPlanned", "kind host seeds needs", "PlanExchangeEvent", "CO"),
    Row("ExchangeEventHeld", "kind host seeds needs attendance", "HoldExchangeEvent", "CO"),
    Row("ContactMade", "event_id company researcher", "MakeContact", "CO"),
    Row("RecommendationAdopted", "recommendation_id title", "AdoptRecommendation", "ST"),
    Row("RecommendationProgressed", "recommendation_id note", "ProgressRecommendation", "ST"),
    Row("RecommendationFulfilled", "recommendation_id note", "FulfillRecommendation", "ST"),
)
"""The events of 6b; their commands are their imperatives."""

OURS: Final = {
    "EvidenceDossierExpiring": "6d, dossier: the notice 14 days before",
    "EvidenceDossierExpired": "6d, dossier: marked expired",
    "MilestoneDropped": "RecordMilestone takes the result dropped",
    "OrganizationFollowed": "a merged organization's cases follow it",
    "ProgressReported": "6d, progress: the report that is asked for every quarter",
    "ResearcherRenewalRequested": "6d, profile, of a researcher",
    "SeedHidden": "6d, profile: hidden from search",
}
"""Events beside the paper's, and the line of it that asks for them."""

OUR_COMMANDS: Final = {
    "CompleteMerge": "the other half of MergeCases",
    "ConfirmDecision": "the second person's yes; the proposed command's own events are recorded",
    "FollowOrganization": "the other half of MergeOrganizations",
    "OpenCase": "contract.md: a case without a bank",
    "PassDossierDeadline": "6d, dossier",
    "ReportProgress": "6d, progress",
    "RequestResearcherRenewal": "6d, profile",
}
"""Commands beside those that the paper's rows name."""
