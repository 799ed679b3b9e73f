"""How alike two needs are told: the share of character pairs that both have (Dice), of title and summary.

Pairs of characters need no dictionary and no language; NFKC makes half-width and full-width one. Two banks write the
same wish in other words: among the cases of one company 0.30 already tells it from another wish. No score decides
anything: a coordinator looks.
"""

import unicodedata
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from domain.state import Need

SUSPECT_FROM: Final = Decimal("0.30")
"""From which likeness on two needs of one company are suspected to be one, unless the settings say otherwise."""
_HUNDREDTH: Final = Decimal("0.01")


def likeness(one: Need, other: Need) -> Decimal:
    """From 0, nothing in common, to 1, the same words; two decimal places."""
    pairs, others = _pairs(one), _pairs(other)
    if not pairs or not others:
        return Decimal(0)
    share = Decimal(2 * len(pairs & others)) / (len(pairs) + len(others))
    return share.quantize(_HUNDREDTH, ROUND_HALF_EVEN)


def _pairs(need: Need) -> frozenset[str]:
    text = unicodedata.normalize("NFKC", f"{need.title} {need.public_summary}").casefold()
    plain = "".join(char for char in text if char.isalnum())
    return frozenset(plain[place : place + 2] for place in range(len(plain) - 1))
