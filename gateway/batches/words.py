"""What the columns of a table of needs are called and how they are filled in, in both languages.

`columns` takes the fields from the record of `ReferNeed`; a field that has no words here stops the import.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from domain.consents import BANK_RELATION, NEED_DETAIL, PUBLIC_SUMMARY, RECIPIENT_CLASSES, TRADE_SECRET
from domain.envelope import CENTER
from domain.reasons import Wording


class Told(NamedTuple):
    """A column in words: its label, and what goes into it."""

    label: Wording
    help: Wording


def _told(ja: str, en: str, help_ja: str, help_en: str) -> Told:
    return Told(Wording(ja, en), Wording(help_ja, help_en))


COLUMNS: Final[Mapping[str, Told]] = {
    "bank_reference": _told(
        "整理番号",
        "Reference",
        "貴行内で一意の番号。同じ番号は同じ案件になります。",
        "A number of your own, one for each need for ever: the same number is the same case.",
    ),
    "company.corporate_number": _told(
        "法人番号", "Corporate number", "13桁の法人番号。", "The company's 13-digit 法人番号."
    ),
    "company.name": _told("企業名", "Company", "登記上の名称。", "The registered name."),
    "company.prefecture": _told("都道府県", "Prefecture", "一覧から選びます。", "Choose from the list."),
    "title": _told("件名", "Title", "300文字まで。", "At most 300 characters."),
    "public_summary": _told(
        "公開概要",
        "Public summary",
        "研究者に最初に見せる説明。企業名や秘密を書かないでください。",
        "What researchers see first: no name of the company and no secret in it.",
    ),
    "description": _told("詳しい内容", "Description", "同意の範囲でのみ見せる説明。", "Shown within the consent only."),
    "field_codes": _told(
        "分野コード",
        "Field codes",
        "materials.ceramics のような分野コード。複数は ; で区切ります。",
        "Codes of technical fields such as materials.ceramics; several are divided by ;",
    ),
    "program_tags": _told(
        "事業タグ", "Programme tags", "支援事業の符号。複数は ; で区切ります。", "Codes of programmes, divided by ;"
    ),
    "urgency": _told("緊急度", "Urgency", "空欄は「普通」です。", "Empty means normal."),
    "desired_by": _told("希望期日", "Desired by", "2027-03-31 のような日付。", "A date such as 2027-03-31."),
    "budget_band": _told("予算帯", "Budget band", "一覧から選びます。", "Choose from the list."),
    "tried_before": _told("これまでの取組", "Tried before", "既に試したこと。", "What was tried already."),
    "consent.recipients": _told(
        "同意: 提供先",
        "Consent: recipients",
        "提供先。複数は ; で区切ります。交流センター [center] は必須です。",
        "To whom, divided by ; and always with center.",
    ),
    "consent.purposes": _told(
        "同意: 利用目的",
        "Consent: purposes",
        "利用目的。複数は ; で区切ります。連携支援 [collaboration] は必須です。",
        "For what, divided by ; and always with collaboration.",
    ),
    "consent.data_classes": _told(
        "同意: 情報の区分",
        "Consent: data classes",
        "提供してよい情報の区分。複数は ; で区切ります。",
        "Which classes of data, divided by ;",
    ),
    "consent.valid_until": _told(
        "同意: 有効期限", "Consent: valid until", "この日まで有効です。", "A date; the day itself is in."
    ),
    "consent.given_by": _told(
        "同意: 同意者", "Consent: given by", "同意した人の役職。", "The office of whoever gave it."
    ),
    "consent.method": _told("同意: 方法", "Consent: method", "空欄は「書面」です。", "Empty means signed paper."),
    "consent.document_id": _told(
        "同意: 書面",
        "Consent: document",
        "先に POST /v1/documents で登録した同意書の書類ID(doc_…)またはファイル名。",
        "The signed paper, uploaded before (POST /v1/documents): its id doc_… or the name of its file.",
    ),
}
"""By the field, dots dividing the levels."""

GROUPS: Final[Mapping[str, Wording]] = {
    "company": Wording("企業", "Company"),
    "consent": Wording("同意", "Consent"),
}
"""Records within the record, where a fault is in none of their fields alone."""

_PREFECTURES: Final = {
    **{"hokkaido": "北海道", "aomori": "青森県", "iwate": "岩手県", "miyagi": "宮城県", "akita": "秋田県"},
    **{"yamagata": "山形県", "fukushima": "福島県", "ibaraki": "茨城県", "tochigi": "栃木県", "gunma": "群馬県"},
    **{"saitama": "埼玉県", "chiba": "千葉県", "tokyo": "東京都", "kanagawa": "神奈川県", "niigata": "新潟県"},
    **{"toyama": "富山県", "ishikawa": "石川県", "fukui": "福井県", "yamanashi": "山梨県", "nagano": "長野県"},
    **{"gifu": "岐阜県", "shizuoka": "静岡県", "aichi": "愛知県", "mie": "三重県", "shiga": "滋賀県"},
    **{"kyoto": "京都府", "osaka": "大阪府", "hyogo": "兵庫県", "nara": "奈良県", "wakayama": "和歌山県"},
    **{"tottori": "鳥取県", "shimane": "島根県", "okayama": "岡山県", "hiroshima": "広島県", "yamaguchi": "山口県"},
    **{"tokushima": "徳島県", "kagawa": "香川県", "ehime": "愛媛県", "kochi": "高知県", "fukuoka": "福岡県"},
    **{"saga": "佐賀県", "nagasaki": "長崎県", "kumamoto": "熊本県", "oita": "大分県", "miyazaki": "宮崎県"},
    **{"kagoshima": "鹿児島県", "okinawa": "沖縄県"},
}
_RECIPIENTS: Final = {
    CENTER: Wording("交流センター", "exchange center"),
    "universities": Wording("大学", "universities"),
    "research_institutes": Wording("研究機関", "research institutes"),
    "experts": Wording("専門家", "experts"),
    "tlos": Wording("技術移転機関", "technology licensing offices"),
    "support_bodies": Wording("支援機関", "support bodies"),
    "banks": Wording("金融機関", "banks"),
    "lenders": Wording("貸し手", "lenders"),
}
assert _RECIPIENTS.keys() == {CENTER, *RECIPIENT_CLASSES}

CHOICES: Final[Mapping[str, Mapping[str, Wording]]] = {
    "company.prefecture": {code: Wording(ja, code.capitalize()) for code, ja in _PREFECTURES.items()},
    "urgency": {
        "low": Wording("低", "low"),
        "normal": Wording("普通", "normal"),
        "high": Wording("高", "high"),
    },
    "budget_band": {
        "under_1m": Wording("100万円未満", "under JPY 1 m"),
        "1m_3m": Wording("100万円から300万円", "JPY 1 m to 3 m"),
        "3m_10m": Wording("300万円から1000万円", "JPY 3 m to 10 m"),
        "10m_50m": Wording("1000万円から5000万円", "JPY 10 m to 50 m"),
        "over_50m": Wording("5000万円以上", "over JPY 50 m"),
    },
    "consent.recipients": _RECIPIENTS,
    "consent.purposes": {
        "collaboration": Wording("連携支援", "collaboration"),
        "lending_evaluation": Wording("融資評価", "lending evaluation"),
        "statistics": Wording("統計", "statistics"),
    },
    "consent.data_classes": {
        PUBLIC_SUMMARY: Wording("公開概要", "public summary"),
        NEED_DETAIL: Wording("ニーズの詳細", "need in detail"),
        TRADE_SECRET: Wording("営業秘密", "trade secrets"),
        BANK_RELATION: Wording("取引金融機関", "banking relation"),
    },
    "consent.method": {
        "signed_paper": Wording("書面", "signed paper"),
        "electronic": Wording("電子", "electronic"),
        "oral_recorded": Wording("口頭(記録あり)", "oral, recorded"),
    },
}
"""The words of codes, by column. A column with an enumeration has all of it here; `columns` sees to that."""
