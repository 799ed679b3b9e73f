"""What a dossier must not say (`domain.md` 3c): no verdict on credit, no praise, no forecast, in either language.

A sentence of ours never holds such a word, which a test proves. Words of people are quoted, and not reproduced where
they hold one: a quotation is no way around the rule.
"""

import re
from typing import Final

FIXED: Final = (
    "本資料は融資判断を示すものではなく、技術評価を補完する事実の記録です。",
    "This document states no lending decision; it is a record of facts that supplements a technical evaluation.",
)
"""The sentence that stands on each page, in both languages; the one place that may name a lending decision."""

_JA: Final = [
    "融資判断",
    "融資可否",
    "融資可能",
    "融資枠",
    "融資限度",
    "融資すべき",
    "与信",
    "信用力",
    "債務者区分",
    "格付",
    "評点",
    "スコア",
    "採点",
    "ランキング",
    "ランク",
    "等級",
    "グレード",
    "倒産確率",
    "デフォルト",
    "貸倒",
    "金利",
    "利率",
    "担保価値",
    "担保評価",
    "知財価値",
    "推奨",
    "推薦",
    "お勧め",
    "おすすめ",
    "有望",
    "将来性",
    "優秀",
    "優位",
    "優れ",
    "卓越",
    "画期的",
    "最高水準",
    "世界一",
    "業界一",
    "トップクラス",
    "競争力が高",
    "成長が見込",
    "売上予測",
    "売上見込",
    "収益予測",
    "見込まれる",
    "期待できる",
    "期待される",
]
_EN: Final = [
    "lending decision",
    r"credit(?:worth\w*| decision| score| rating| grade| limit)",
    "scor(?:e|es|ed|ing)",
    "ratings?",
    "grad(?:e|ed|es)",
    "rank(?:ed|ing)",
    "probability of default",
    "default risk",
    "interest rate",
    "loan limit",
    "collateral",
    r"recommend\w*",
    "promising",
    r"superior\w*",
    "excellent",
    "outstanding",
    r"world.class",
    r"best.in.class",
    r"forecast\w*",
    "expected sales",
    "will grow",
    r"trustworth\w*",
]
_FORBIDDEN: Final = re.compile("|".join([*map(re.escape, _JA), *(rf"\b{one}\b" for one in _EN)]), re.IGNORECASE)
_SPACE: Final = re.compile(r"\s+")


def forbidden_in(text: str) -> list[str]:
    """The words in *text* that no dossier may say, in order; the fixed sentence is no fault."""
    plain = _SPACE.sub(" ", text)
    for sentence in FIXED:
        plain = plain.replace(sentence, " ")
    return [one.group() for one in _FORBIDDEN.finditer(plain)]


def says_no_more(text: str) -> bool:
    """Whether *text*, of people outside, may be reproduced."""
    return not forbidden_in(text) and not forbidden_in(_SPACE.sub("", text))
