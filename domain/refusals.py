"""What a rule answers when it says no: a stable code, the field, and a sentence in both languages.

The codes are those of `contract.md` section 3; the sentences name the rule and the fact that caused the refusal.
"""

from collections.abc import Mapping
from typing import Final

from domain.reasons import Wording
from domain.records import Record


class Refusal(Record):
    """A rule said no. Nothing was recorded."""

    code: str
    field: str | None = None
    """JSON pointer to the field that caused it."""
    ja: str
    en: str
    facts: Mapping[str, str] = {}

    @classmethod
    def of(cls, code: str, field: str | None = None, **facts: object) -> "Refusal":
        """The refusal with *code*, its sentences filled with *facts*."""
        words = {name: str(value) for name, value in facts.items()}
        text = SENTENCES[code]
        return cls(code=code, field=field, ja=text.ja.format(**words), en=text.en.format(**words), facts=words)


SENTENCES: Final[Mapping[str, Wording]] = {
    "consent_required": Wording(
        "企業の情報提供同意(利用目的: 連携支援、提供先: 交流センター)が有効ではありません。{fact}",
        "The company's consent (purpose collaboration, recipient center) is not in force. {fact}",
    ),
    "recipient_not_consented": Wording(
        "企業の同意は「{recipient}」への情報提供を含んでいません。",
        "The company's consent does not cover the recipient {recipient}.",
    ),
    "consent_withdrawn": Wording(
        "企業は{day}に同意を撤回しました。新たな情報提供はできません。",
        "The company withdrew its consent on {day}; nothing new may be disclosed.",
    ),
    "reference_reused": Wording(
        "整理番号「{reference}」は別の内容で既に受け付けています。",
        "The reference {reference} was used before with another content.",
    ),
    "coordinator_required": Wording(
        "この案件には担当コーディネーターが必要です。{fact}",
        "The case needs a coordinator in charge. {fact}",
    ),
    "triage_required": Wording(
        "研究者の探索の前に、審査・振り分けで研究者を要する区分を決める必要があります。{fact}",
        "A search needs a triage whose route leads to a researcher. {fact}",
    ),
    "four_eyes_required": Wording(
        "この決定には二人が必要です。{person}が提案した決定は別の人が確認します。",
        "This decision needs two persons; what {person} proposed is confirmed by another one.",
    ),
    "compliance_required": Wording(
        "公開概要を超える情報を研究者に見せる前に、コンプライアンス確認の合格が必要です。{fact}",
        "Compliance checks must be passed before a researcher sees more than the public summary. {fact}",
    ),
    "regional_search_first": Wording(
        "全国の探索は、九州内の探索が尽きた後、または理由(専門性・利益相反・余力)の記録とともに行います。{fact}",
        "The national ring opens after the regional search ended empty, or with a recorded reason "
        "(specialism, conflict, capacity). {fact}",
    ),
    "disclosure_exceeds_consent": Wording(
        "「{name}」の開示は企業の同意の範囲を超えています。",
        "Showing {name} goes beyond the company's consent.",
    ),
    "offer_limit": Wording(
        "この役割への未回答の依頼は同時に{limit}件までです({held})。",
        "At most {limit} offer may be open for this place at one time ({held}).",
    ),
    "assignment_incomplete": Wording(
        "研究者の決定には、研究者の承諾、所属機関の承諾、利益相反の判定が必要です。不足: {missing}。",
        "An assignment needs the researcher's yes, the institution's yes and a cleared conflict of interest. "
        "Missing: {missing}.",
    ),
    "own_interest": Wording(
        "自身の利益相反を自ら判定すること、利害のある案件を担当することはできません({person})。",
        "Nobody decides on their own interest or owns a case they have an interest in ({person}).",
    ),
    "joint_visit_required": Wording(
        "訪問にはコーディネーターと決定済みの研究者の同行が必要です。{fact}",
        "A visit is made together by a coordinator and an assigned researcher. {fact}",
    ),
    "nda_required": Wording(
        "営業秘密を見せる訪問の前に秘密保持契約が必要です。",
        "A non-disclosure agreement comes before a visit that shows trade secrets.",
    ),
    "not_yet_happened": Wording(
        "まだ起きていないことは記録できません({at})。",
        "What has not happened yet cannot be recorded ({at}).",
    ),
    "report_unconfirmed": Wording(
        "訪問報告書は企業の確認を受けていません({report})。",
        "The company has not confirmed the visit report ({report}).",
    ),
    "visit_required": Wording(
        "研究の契約には、企業が確認した訪問報告書または終了した技術相談が必要です。",
        "A research agreement needs a confirmed visit report or a concluded consultation.",
    ),
    "version_not_approved": Wording(
        "契約案 第{version}版は全当事者の承認を得ていません。未承認: {missing}。",
        "Version {version} of the agreement is not approved by every party. Missing: {missing}.",
    ),
    "costs_inconsistent": Wording(
        "費用の内訳が合いません。{fact_ja}",
        "The costs do not add up. {fact}",
    ),
    "agreement_immutable": Wording(
        "締結済みの契約({agreement})は変更契約・更新契約によってのみ変更できます。",
        "The signed agreement {agreement} changes only by amendment or renewal.",
    ),
    "renewal_too_late": Wording(
        "更新は終了日の前、または終了後90日以内に行います(終了日: {ends_on})。",
        "A renewal comes before the end or within 90 days after it (ended {ends_on}).",
    ),
    "agreement_not_effective": Wording(
        "有効な契約がありません。{fact}",
        "There is no agreement in force. {fact}",
    ),
    "payment_required": Wording(
        "この機関は研究開始の前に入金の確認を求めています({agreement})。",
        "The institution wants the payment confirmed before the research starts ({agreement}).",
    ),
    "unknown_agreement": Wording(
        "契約「{agreement}」はこの案件にありません。",
        "The case has no agreement {agreement}.",
    ),
    "not_owner": Wording(
        "実施許諾・譲渡は、決定した権利者だけが行えます。{fact}",
        "Only the decided owner licenses or assigns. {fact}",
    ),
    "co_owner_consent_required": Wording(
        "共有の発明には、他の共有者の同意書が必要です({invention})。",
        "A jointly owned invention needs the co-owner's recorded consent ({invention}).",
    ),
    "publication_review_open": Wording(
        "発明の届出または出願の確認中は公表できません({publication})。",
        "Nothing is published while a disclosure or filing is under review ({publication}).",
    ),
    "evidence_required": Wording(
        "根拠資料(evidence)が必要です。{fact}",
        "Evidence is required. {fact}",
    ),
    "second_assessor_required": Wording(
        "技術成熟度の2段階を超える変化({old}から{new})には第二の評価者が必要です。",
        "A readiness change of more than two levels ({old} to {new}) needs a second assessor.",
    ),
    "work_open": Wording(
        "終了の前に、継続中の手続きを終える必要があります: {work}。",
        "Open work must end before the case closes: {work}.",
    ),
    "disposition_unfounded": Wording(
        "終了区分「{disposition}」の根拠となる事実がありません。",
        "No recorded fact supports the disposition {disposition}.",
    ),
    "reason_required": Wording(
        "理由(reason)が必要です。",
        "A reason is required.",
    ),
    "merge_not_possible": Wording(
        "この統合はできません。{fact}",
        "These cases cannot be merged. {fact}",
    ),
    "cancellation_unconfirmed": Wording(
        "取消しにはセンターの確認が必要です。{fact}",
        "A cancellation needs the center's confirmation. {fact}",
    ),
    "event_immutable": Wording(
        "記録は消去も変更もできません。訂正は訂正の記録として行います。{fact}",
        "No event is deleted or edited; a correction is an event of its own. {fact}",
    ),
    "citation_required": Wording(
        "根拠となる記録が必要です({line})。", "A line needs a citation at or before the cut-off ({line})."
    ),
    "lending_consent_required": Wording(
        "この貸し手による融資評価への利用に、企業の同意がありません({lender})。",
        "The company has not consented to lending evaluation by this lender ({lender}).",
    ),
    "occurred_after_recorded": Wording(
        "未来の日時は記録できません({at})。",
        "A fact cannot lie in the future ({at}).",
    ),
    "document_required": Wording(
        "30日より前の事実の記録には書類が必要です({at})。",
        "A fact more than 30 days back needs a document ({at}).",
    ),
    "not_permitted": Wording(
        "この役割({role})では「{command}」を行えません。",
        "The role {role} may not give {command}.",
    ),
    "case_closed": Wording("この案件は終了しています({day})。", "The case is closed (since {day})."),
    "already_done": Wording("既に行われています。{fact}", "It is done already. {fact}"),
    "unknown_case": Wording("この案件はありません。", "There is no such case."),
    "unknown_entry": Wording("この登録はありません。", "There is no such entry."),
    "version_stale": Wording(
        "案件は更新されています(現在の版: {current})。読み直してください。",
        "The case has moved on (now at version {current}); read it again.",
    ),
    "not_rendered": Wording(
        "技術評価補完資料を作成できません: {problem}",
        "The evidence dossier cannot be rendered: {problem}",
    ),
    "invalid_field": Wording(
        "項目の内容が正しくありません: {problem}",
        "A field does not fit: {problem}",
    ),
}
