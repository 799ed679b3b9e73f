"""The field's closed vocabularies as a dossier says them, in both languages."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

from domain.calendar import japanese_day
from domain.envelope import Reason
from domain.reasons import CATALOGUE, Wording

_CODES: Final[Mapping[str, Wording]] = {
    "under_1m": Wording("100万円未満", "under JPY 1 million"),
    "1m_3m": Wording("100万円以上300万円未満", "JPY 1 to 3 million"),
    "3m_10m": Wording("300万円以上1,000万円未満", "JPY 3 to 10 million"),
    "10m_50m": Wording("1,000万円以上5,000万円未満", "JPY 10 to 50 million"),
    "over_50m": Wording("5,000万円以上", "JPY 50 million or more"),
    "joint_research": Wording("共同研究", "joint research"),
    "commissioned_research": Wording("受託研究", "commissioned research"),
    "academic_guidance": Wording("学術指導", "academic guidance"),
    "material_transfer": Wording("成果有体物提供契約", "material transfer"),
    "heads_of_terms": Wording("覚書・基本合意", "heads of terms"),
    "consortium": Wording("コンソーシアム", "a consortium"),
    "free_consultation": Wording("技術相談", "a technical consultation"),
    "feasibility_study": Wording("予備検討", "a feasibility study"),
    "guidance": Wording("学術指導", "academic guidance"),
    "test_institute": Wording("公設試験研究機関", "a public test institute"),
    "advice_only": Wording("助言のみ", "advice only"),
    "other_support": Wording("他の支援機関", "another support body"),
    "feasible": Wording("実現可能", "feasible"),
    "feasible_with_conditions": Wording("条件付きで実現可能", "feasible with conditions"),
    "unclear": Wording("現時点では判断できない", "unclear at that time"),
    "infeasible": Wording("実現は困難", "not feasible"),
    "cleared": Wording("問題なし", "cleared"),
    "cleared_with_conditions": Wording("条件付きで承認", "cleared with conditions"),
    "refused": Wording("不承認", "refused"),
    "proceed": Wording("次の段階へ進む", "to proceed"),
    "rescope": Wording("課題の範囲を見直す", "to re-scope the need"),
    "solved": Wording("課題は解決した", "solved"),
    "stop": Wording("終了する", "to stop"),
    "achieved": Wording("目標達成", "goal achieved"),
    "partly": Wording("一部達成", "goal partly achieved"),
    "not_achieved": Wording("目標未達", "goal not achieved"),
    "institution": Wording("研究機関", "the institution"),
    "company": Wording("企業", "the company"),
    "joint": Wording("共有", "joint"),
    "inventor": Wording("発明者", "the inventor"),
    "joint_by_contribution": Wording("寄与に応じた共有", "joint, by contribution"),
    "each_owns_own": Wording("各自の成果は各自に帰属", "each owns what it creates"),
    "exclusive": Wording("独占的", "exclusive"),
    "sole": Wording("単独(許諾者も実施可)", "sole"),
    "non_exclusive": Wording("非独占的", "non-exclusive"),
    "exclusive_license": Wording("独占的実施許諾の選択権", "option to an exclusive license"),
    "assignment": Wording("譲渡の選択権", "option to an assignment"),
    "bank_officer": Wording("金融機関職員", "bank officer"),
    "lender_officer": Wording("融資担当", "lender officer"),
    "company_representative": Wording("企業担当者", "company representative"),
    "coordinator": Wording("コーディネーター", "coordinator"),
    "senior_coordinator": Wording("主任コーディネーター", "senior coordinator"),
    "researcher": Wording("研究者", "researcher"),
    "university_liaison": Wording("産学連携窓口", "university liaison office"),
    "tlo_officer": Wording("TLO担当者", "TLO officer"),
    "expert": Wording("専門家", "expert"),
    "auditor": Wording("監査人", "auditor"),
    "strategy_analyst": Wording("戦略担当", "strategy analyst"),
    "administrator": Wording("管理者", "administrator"),
    "data_steward": Wording("データ管理者", "data steward"),
    "system": Wording("システム(期限)", "system (timer)"),
    "patent_attorney": Wording("弁理士", "patent attorney"),
    "lawyer": Wording("弁護士", "lawyer"),
    "cpa": Wording("公認会計士", "certified public accountant"),
    "licensing_adviser": Wording("特許流通アドバイザー", "patent licensing adviser"),
    "technical_question": Wording("技術課題が明確である", "the technical question is clear"),
    "research_needed": Wording("研究を要する", "research is needed"),
    "company_capacity": Wording("企業に取り組む体制がある", "the company has the capacity to take part"),
    "lead": Wording("代表", "lead"),
    "member": Wording("分担", "member"),
    "regional": Wording("九州域内", "the region"),
    "national": Wording("全国", "the whole country"),
    "eu_annex_g": Wording("TRL(EU Annex G)", "TRL (EU Annex G)"),
    "iso_16290": Wording("TRL(ISO 16290)", "TRL (ISO 16290)"),
    "jpo": Wording("特許庁(日本)", "Japan Patent Office"),
    "epo": Wording("欧州特許庁", "European Patent Office"),
    "uspto": Wording("米国特許商標庁", "United States Patent and Trademark Office"),
    "wipo": Wording("WIPO(国際出願)", "WIPO (international application)"),
    "need": Wording("企業のニーズ", "a company's need"),
    "seed": Wording("大学の技術シーズ", "a university's technology seed"),
    "exchange_meeting": Wording("技術交流会", "a technology exchange meeting"),
    "walk_in": Wording("企業からの直接の相談", "a direct inquiry of the company"),
    "chamber": Wording("商工会議所等の紹介", "an introduction by a chamber"),
    "lending_evaluation": Wording("融資評価", "lending evaluation"),
    "collaboration": Wording("連携支援", "collaboration"),
    "statistics": Wording("統計", "statistics"),
    "public_summary": Wording("公開概要", "public summary"),
    "need_detail": Wording("ニーズの詳細", "detail of the need"),
    "trade_secret": Wording("営業秘密", "trade secrets"),
    "bank_relation": Wording("金融機関との取引関係", "the relation to a bank"),
    "new_loan": Wording("新規融資", "a new loan"),
    "business_evaluation": Wording("事業性評価", "business evaluation"),
    "enterprise_value_charge": Wording("企業価値担保権", "an enterprise value charge"),
    "monitoring": Wording("継続的な状況把握", "monitoring"),
    "intake": Wording("受付", "intake"),
    "review": Wording("審査・振り分け", "review"),
    "visit": Wording("企業訪問", "visit"),
    "consultation": Wording("技術相談・学術指導", "consultation"),
    "agreement": Wording("契約", "agreement"),
    "research": Wording("研究実施", "research"),
    "transfer": Wording("技術移転", "technology transfer"),
    "commercialization": Wording("事業化", "commercialization"),
    "open": Wording("進行中", "open"),
    "held": Wording("保留中", "held"),
    "closed": Wording("終了", "closed"),
}
_DISPOSITIONS: Final[Mapping[str, Wording]] = {
    "commercialized": Wording("事業化", "commercialized"),
    "transferred": Wording("技術移転", "transferred"),
    "research_completed": Wording("研究完了", "research completed"),
    "resolved_by_advice": Wording("助言により解決", "resolved by advice"),
    "redirected": Wording("他機関へ取次ぎ", "redirected"),
    "declined": Wording("取り上げず", "declined"),
    "no_researcher": Wording("研究者が見つからず", "no researcher found"),
    "not_feasible": Wording("実現困難", "not feasible"),
    "agreement_failed": Wording("契約不成立", "no agreement"),
    "research_failed": Wording("研究目標未達", "research failed"),
    "withdrawn_by_company": Wording("企業による取下げ", "withdrawn by the company"),
    "consent_withdrawn": Wording("同意の撤回", "consent withdrawn"),
    "cancelled_by_bank": Wording("金融機関による取消し", "cancelled by the bank"),
    "company_insolvent": Wording("企業の倒産", "company insolvent"),
    "merged": Wording("統合", "merged"),
    "expired": Wording("期限切れ", "expired"),
    "entered_in_error": Wording("誤登録", "entered in error"),
}
_STAGES: Final = {"assignment": Wording("研究者選定", "search for a researcher")}
_REASONS: Final = {code: text for codes in CATALOGUE.values() for code, text in codes.items()}


def said(code: object) -> Wording:
    """A term in words; a code of the parties' own stands for itself."""
    return _CODES.get(str(code)) or Wording(str(code), str(code))


def stage_said(stage: object) -> Wording:
    """A stage in words: `assignment` is no transfer of rights here."""
    return _STAGES.get(str(stage)) or said(stage)


def disposition_said(disposition: object) -> Wording:
    """How a case ended, in words."""
    return _DISPOSITIONS[str(disposition)]


def reason_said(reason: Reason | None) -> Wording:
    """The class of a reason, in brackets, never somebody's own words; nothing where none was given."""
    if reason is None:
        return Wording("", "")
    text = _REASONS.get(reason.code) or Wording("その他", "other")
    return Wording(f"(理由区分: {text.ja})", f" (reason class: {text.en[0].lower()}{text.en[1:]})")


def day_said(moment: date | datetime) -> Wording:
    """A day in Japan."""
    day = japanese_day(moment) if isinstance(moment, datetime) else moment
    return Wording(f"{day.year}年{day.month}月{day.day}日", day.isoformat())


def listed(words: list[Wording]) -> Wording:
    """Several things, one after the other."""
    return Wording("、".join(one.ja for one in words), ", ".join(one.en for one in words))
