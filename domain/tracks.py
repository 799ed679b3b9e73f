"""Where a case stands: its stage, derived from the tracks of its work (`domain.md` section 6; invariant 23).

Work of a later stage takes the case forward at once. Work of an earlier stage that begins is a side track while later
work is under way; otherwise the case goes back to it, with a reason.
"""

from collections.abc import Iterator
from typing import Final

from domain.envelope import Reason
from domain.state import Case
from domain.terms import STAGE_ORDER, Stage

_LASTING: Final = frozenset({Stage.transfer, Stage.commercialization})
"""Stages whose results last: a license runs, a product is sold. Nothing ends them, so only a reason leads back."""
_NEVER_ENTERED_AGAIN: Final = frozenset({Stage.intake, Stage.review, Stage.assignment, Stage.visit})
"""Stages a case falls back to when later tracks end, not when work of theirs begins."""


def under_way(case: Case) -> Iterator[Stage]:
    """The stages of the work that has begun and has an end of its own, not reached yet."""
    if any(one.outcome is None for one in case.consultations.values()):
        yield Stage.consultation
    for one in case.agreements.values():
        if one.is_negotiated:
            yield Stage.agreement
        if one.research in {"started", "suspended"} and one.ended != "terminated":
            yield Stage.research


def _is_side_track(case: Case, begun: Stage) -> bool:
    """Whether work of *begun* leaves the case where it stands, whatever is said."""
    later = any(STAGE_ORDER[one] > STAGE_ORDER[begun] for one in under_way(case))
    return later or begun in _NEVER_ENTERED_AGAIN


def _lies_back(case: Case, begun: Stage) -> bool:
    return STAGE_ORDER[begun] < STAGE_ORDER[case.stage]


def owes_reason(case: Case, begun: Stage, reason: Reason | None) -> bool:
    """Whether *case* would go back to *begun* and nobody says why."""
    ended = case.stage not in _LASTING and not _is_side_track(case, begun)
    return reason is None and ended and _lies_back(case, begun)


def with_begun(before: Case, after: Case, begun: Stage, reason: Reason | None) -> Case:
    """*after*, at the stage where work of *begun* leaves a case that stood as *before*."""
    if not _lies_back(before, begun):
        return after.at_stage(begun)
    if reason is None or _is_side_track(before, begun):
        return after
    return after.at_stage(begun).but(reason=reason)


def fallen(case: Case) -> Case:
    """*case* after one of its tracks ended: back at the latest stage that something still carries."""
    stage = case.stage
    bound = any(one.is_negotiated or (one.is_signed and not one.ended) for one in case.agreements.values())
    if stage is Stage.agreement and not bound:
        stage = Stage.consultation if case.consultations else Stage.visit
    if stage in {Stage.visit, Stage.consultation} and not any(case.leads):
        stage = Stage.assignment
    return case if stage is case.stage else case.at_stage(stage)
