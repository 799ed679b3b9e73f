"""The catalogue of coded reasons in both languages (`domain.md` section 6b)."""

from enum import StrEnum
from typing import Final, NamedTuple

from domain.envelope import Reason


class Wording(NamedTuple):
    """One meaning in the two languages of the product."""

    ja: str
    en: str


class ReasonKind(StrEnum):
    """What a reason may be given for."""

    decline = "decline"
    assignment = "assignment"
    withdrawal = "withdrawal"
    bank = "bank"
    agreement = "agreement"
    research = "research"
    search = "search"
    release = "release"


OTHER: Final = "other"

CATALOGUE: Final[dict[ReasonKind, dict[str, Wording]]] = {
    ReasonKind.decline: {
        "not_technical": Wording("技術的な課題ではないため", "It is not a technical problem"),
        "no_research_content": Wording("研究開発を要する内容を含まないため", "It holds nothing that needs research"),
        "better_elsewhere": Wording("他の支援機関のほうが適しているため", "Another body can help better"),
        "legal": Wording("法令上の理由により", "The law does not allow it"),
        "insufficient_information": Wording("判断に必要な情報が不足しているため", "Too little is known to judge it"),
        "capacity": Wording("対応できる体制がないため", "The center has no capacity for it"),
        "out_of_scope": Wording("事業の対象外であるため", "It lies outside the programme"),
    },
    ReasonKind.assignment: {
        "no_capacity": Wording("時間を確保できないため", "No capacity"),
        "not_my_field": Wording("専門分野が異なるため", "Not my field"),
        "conflict": Wording("利益相反があるため", "Conflict of interest"),
        "competitor_tie": Wording("競合企業と関係があるため", "Tied to a competitor"),
        "deadline_too_short": Wording("期限が短すぎるため", "The deadline is too short"),
        "not_interesting": Wording("研究上の関心に合わないため", "Not of research interest"),
        "leaving": Wording("異動または退職の予定があるため", "About to leave"),
    },
    ReasonKind.withdrawal: {
        "business_change": Wording("事業方針を変更したため", "The business has changed"),
        "cost": Wording("費用面の理由により", "Cost"),
        "found_own_solution": Wording("自社で解決したため", "The company found its own solution"),
        "confidentiality": Wording("秘密保持上の理由により", "Confidentiality"),
        "management_change": Wording("経営体制が変わったため", "The management has changed"),
        "no_reason_given": Wording("理由は示されていません", "No reason given"),
    },
    ReasonKind.bank: {
        "client_left_bank": Wording("取引先との取引が終了したため", "The client has left the bank"),
        "client_default": Wording("取引先の債務不履行のため", "The client is in default"),
        "policy": Wording("金融機関の方針により", "The bank's policy"),
        "sent_in_error": Wording("誤って送信したため", "Sent in error"),
    },
    ReasonKind.agreement: {
        "ip_ownership": Wording("知的財産の帰属で合意できないため", "No agreement on who owns the results"),
        "nonuse_compensation": Wording("不実施補償で合意できないため", "No agreement on non-exploitation compensation"),
        "publication": Wording("成果の公表で合意できないため", "No agreement on publication"),
        "price": Wording("金額で合意できないため", "No agreement on the price"),
        "indirect_cost": Wording("間接経費で合意できないため", "No agreement on the indirect cost"),
        "liability": Wording("責任の分担で合意できないため", "No agreement on liability"),
        "internal_approval": Wording("社内または学内の承認が得られないため", "An internal approval is missing"),
        "time": Wording("時期が合わないため", "The time does not fit"),
    },
    ReasonKind.research: {
        "goal_not_reached": Wording("目標に到達しなかったため", "The goal was not reached"),
        "researcher_left": Wording("研究者が離れたため", "The researcher left"),
        "insolvency": Wording("企業の倒産のため", "The company is insolvent"),
        "safety": Wording("安全上の理由により", "Safety"),
        "funding_ended": Wording("資金が終了したため", "The funding ended"),
    },
    ReasonKind.search: {
        "specialism": Wording("域内にない専門分野のため", "The specialism does not exist in the region"),
        "conflict": Wording("域内の研究者に利益相反があるため", "The region's researchers have conflicts of interest"),
        "capacity": Wording("域内の研究者に余力がないため", "The region's researchers have no capacity"),
    },
    ReasonKind.release: {
        "withdrew": Wording("研究者が辞退したため", "The researcher withdrew"),
        "moved": Wording("研究者が異動したため", "The researcher moved"),
        "retired": Wording("研究者が退職したため", "The researcher retired"),
        "conflict": Wording("利益相反のため", "Conflict of interest"),
        "replaced": Wording("研究者を交代したため", "The researcher was replaced"),
        "ill": Wording("研究者の健康上の理由により", "The researcher fell ill"),
    },
}
_TEXTS: Final = {code: text for codes in CATALOGUE.values() for code, text in codes.items()}


def is_known(kind: ReasonKind, code: str) -> bool:
    """Whether *code* may be given for *kind*; `other` may always be given."""
    return code == OTHER or code in CATALOGUE[kind]


def wording(reason: Reason, language: str = "ja") -> str:
    """The reason in words: its own text, or else the catalogue's."""
    if reason.text:
        return reason.text
    text = _TEXTS.get(reason.code)
    return getattr(text, language) if text else reason.code
