"""The types of events that a dossier cites, in words."""

from collections.abc import Mapping
from typing import Final

from domain.reasons import Wording

_TYPES: Final[Mapping[str, Wording]] = {
    "NeedReferred": Wording("ニーズの取次ぎ", "need referred"),
    "NeedSupplemented": Wording("ニーズの補足", "need supplemented"),
    "CompanyConsentRecorded": Wording("情報提供の同意", "consent recorded"),
    "CompanyConsentChanged": Wording("同意の範囲の変更", "consent changed"),
    "NeedTriaged": Wording("審査・振り分け", "need triaged"),
    "NeedDeclined": Wording("取り上げない旨の決定", "need declined"),
    "NeedRedirected": Wording("他機関への取次ぎ", "need redirected"),
    "SpecialistConsulted": Wording("専門家への照会", "specialist consulted"),
    "ResearcherAssigned": Wording("研究者の選定", "researcher assigned"),
    "ResearcherReleased": Wording("研究者の離任", "researcher released"),
    "NoResearcherFound": Wording("研究者が見つからない旨", "no researcher found"),
    "ConflictOfInterestDecided": Wording("利益相反の判定", "conflict of interest decided"),
    "VisitHeld": Wording("企業訪問", "visit held"),
    "VisitCancelled": Wording("訪問の中止", "visit cancelled"),
    "VisitReportFiled": Wording("訪問報告書の提出", "visit report filed"),
    "VisitReportConfirmed": Wording("訪問報告書の確認", "visit report confirmed"),
    "ConsultationStarted": Wording("技術相談・学術指導の開始", "consultation started"),
    "ConsultationConcluded": Wording("技術相談・学術指導の終了", "consultation concluded"),
    "ReadinessAssessed": Wording("技術成熟度の確認", "readiness assessed"),
    "AgreementSigned": Wording("契約締結", "agreement signed"),
    "AgreementAmended": Wording("契約変更", "agreement amended"),
    "AgreementRenewed": Wording("契約更新", "agreement renewed"),
    "AgreementTerminated": Wording("契約解約", "agreement terminated"),
    "AgreementExpired": Wording("契約満了", "agreement expired"),
    "AgreementAbandoned": Wording("契約交渉の打切り", "agreement abandoned"),
    "ResearchStarted": Wording("研究開始", "research started"),
    "ResearchSuspended": Wording("研究中断", "research suspended"),
    "ResearchResumed": Wording("研究再開", "research resumed"),
    "ResearchCompleted": Wording("研究終了", "research completed"),
    "MilestonePlanned": Wording("マイルストーンの計画", "milestone planned"),
    "MilestoneReached": Wording("マイルストーンの到達", "milestone reached"),
    "MilestoneMissed": Wording("マイルストーンの未達", "milestone missed"),
    "MilestoneDropped": Wording("マイルストーンの取りやめ", "milestone dropped"),
    "InventionOwnershipDecided": Wording("発明の帰属決定", "invention ownership decided"),
    "PatentApplicationFiled": Wording("特許出願", "patent application filed"),
    "PatentGranted": Wording("特許成立", "patent granted"),
    "LicenseGranted": Wording("実施許諾", "license granted"),
    "RightsAssigned": Wording("権利譲渡", "rights assigned"),
    "KnowHowTransferred": Wording("ノウハウ供与", "know-how transferred"),
    "TransferAbandoned": Wording("技術移転の取りやめ", "transfer abandoned"),
    "StartupFounded": Wording("大学発ベンチャーの設立", "start-up founded"),
    "StartupListed": Wording("株式公開", "start-up listed"),
    "ProductPrototyped": Wording("製品の試作", "product prototyped"),
    "ProductReleased": Wording("製品の発売", "product released"),
    "OrdersReported": Wording("受注の報告", "orders reported"),
    "FundingRecorded": Wording("公的資金の獲得", "funding recorded"),
    "CompanyFactsDeclared": Wording("企業の申告", "company facts declared"),
    "FollowUpRecorded": Wording("終了後の報告", "follow-up recorded"),
    "CaseHeld": Wording("案件の保留", "case held"),
    "CaseResumed": Wording("案件の再開", "case resumed"),
    "CaseClosed": Wording("案件の終了", "case closed"),
    "CaseReopened": Wording("案件の再オープン", "case reopened"),
    "CorrectionRecorded": Wording("訂正", "correction recorded"),
}


def type_said(name: str) -> Wording:
    """An event type in words."""
    return _TYPES[name]
