"""What a bank follows after a merge: the surviving case, under the id of its own (invariant 24; script 9).

Nothing is moved: the bank's own case keeps its events, and the surviving case's events join them from the moment on
at which the referral was attached. The bank counts them on, and never learns the other id.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from domain.state import Case, Referral

_PARTS: Final = (
    *("assignments", "visits", "consultations", "agreements", "milestones", "readiness"),
    *("transfers", "products", "publications", "inventions"),
)
"""What a case is made of, thing by thing."""


def as_own(case: Case) -> Case:
    """*case* as a bank addresses it by its id: with the referrals it began with alone."""
    return case.but(referrals=tuple(one for one in case.referrals if one.home is None))


def as_attached(case: Case, referral: Referral) -> Case:
    """*case* with *referral* alone."""
    return case.but(referrals=(referral,))


def attached(case: Case, home: str) -> tuple[Referral, ...]:
    """The referrals by which the case *home* goes on, or went on for a while, in *case*; the oldest first."""
    return tuple(one for one in case.referrals if one.home == home)


def known_as(case: Case, bank_id: str) -> str:
    """The id under which *bank_id* knows *case*."""
    referral = case.referral_of(bank_id)
    return (referral.home if referral else None) or case.case_id


def news_of(case: Case, before: Case) -> Case:
    """*case*, of one attached referral, with only those of its things that were not there *before*.

    Need and consents stay out: the bank has its own. What it reads is whole, as if the case had begun then.
    """
    parts = {name: _new(getattr(case, name), getattr(before, name)) for name in _PARTS}
    return case.but(
        **parts,
        need=None,
        consents={},
        referrals=tuple(one.model_copy(update={"since": 1}) for one in case.referrals),
        coordinator_id=case.coordinator_id if case.coordinator_id != before.coordinator_id else None,
        bank_reason=case.bank_reason if case.bank_reason != before.bank_reason else None,
    )


def _new(now: Any, before: Any) -> Any:
    if isinstance(now, Mapping):
        return {key: one for key, one in now.items() if key not in before}
    return now[len(before) :]


_LIVES_ON: Final = frozenset({"stage", "furthest_stage", "status", "disposition", "reason"})
"""What of a case that was merged is told by the surviving one alone…"""
_NEWER: Final = frozenset({"coordinator", "updated_at"})
"""…and what is told by it where it tells anything."""


def joined(own: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], *, goes_on: bool) -> dict[str, Any]:
    """The view of a bank's *own* case with those of the *parts* it went on in, oldest first.

    With *goes_on* it stands today where the last part stands; otherwise it has come back to itself.
    """
    view = dict(own)
    if goes_on:
        now = {key: item for key, item in parts[-1].items() if key in _LIVES_ON or key in _NEWER}
        view = {key: item for key, item in own.items() if key not in _LIVES_ON} | now
    for part in parts:
        for key, item in part.items():
            if isinstance(item, list):
                view[key] = [*view.get(key, ()), *item]
            elif key == "need":
                view[key] = {**view.get(key, {}), **item}
    return view
