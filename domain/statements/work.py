"""D6 and D7: what was agreed, and how the work went, with what was missed and what ended early."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final

from domain.reasons import Wording
from domain.stages.agreement import band_of
from domain.statements.brief import Basis
from domain.statements.reading import HAPPENED, TROUBLE, Draft, Reading, Told, quoted
from domain.statements.words import day_said, disposition_said, listed, reason_said, said

_CHANGED: Final = {
    "scope": Wording("研究範囲", "scope"),
    "direct": Wording("直接経費", "direct cost"),
    "indirect": Wording("間接経費", "indirect cost"),
    "ends_on": Wording("終了日", "end"),
}


def collaboration(reading: Reading) -> Iterable[Draft]:
    """D6: kind, period, money as a band, who pays, renewals, changes, ends."""
    types = (
        *("ConsultationStarted", "ConsultationConcluded", "AgreementSigned", "AgreementAmended"),
        *("AgreementRenewed", "AgreementTerminated", "AgreementExpired", "AgreementAbandoned"),
    )
    for one in reading.all(*types):
        yield _COLLABORATION[one.event.type](reading, one)


def _kind(reading: Reading, one: Told) -> Wording:
    found = reading.brief.case.agreements.get(one.fact.agreement_id)
    return said(found.kind) if found else Wording("契約", "agreement")


def _consultation(reading: Reading, one: Told) -> Draft:
    day, kind = day_said(one.event.occurred_at), said(one.fact.kind)
    return Draft(
        f"{day.ja}、{kind.ja}を開始した。", f"On {day.en} {kind.en} began.", Basis.observed, one.cites, HAPPENED
    )


def _concluded(reading: Reading, one: Told) -> Draft:
    day, outcome = day_said(one.event.occurred_at), said(one.fact.outcome)
    return Draft(
        f"{day.ja}、技術相談・学術指導が終わった(結果: {outcome.ja})。",
        f"On {day.en} the consultation was concluded ({outcome.en}).",
        Basis.observed,
        one.cites,
        TROUBLE if one.fact.outcome == "stop" else HAPPENED,
    )


def _signed(reading: Reading, one: Told) -> Draft:
    fact, kind = one.fact, _kind(reading, one)
    signed, begins, ends = day_said(fact.signed_on), day_said(fact.effective_on), day_said(fact.ends_on)
    costs = fact.costs
    band = said(band_of(sum((Decimal(each) for each in (costs.direct, costs.indirect, costs.visiting)), Decimal())))
    owner = said(fact.ownership) if fact.ownership else None
    options = listed([said(each) for each in fact.options])
    return Draft(
        f"{signed.ja}、{kind.ja}契約を締結した(期間 {begins.ja}から{ends.ja}まで、企業が負担する経費(帯) {band.ja})。"
        + (f"成果の帰属: {owner.ja}。" if owner else "")
        + (f"{options.ja}。" if options.ja else ""),
        f"On {signed.en} an agreement on {kind.en} was signed (from {begins.en} to {ends.en}; the company pays"
        f" {band.en}, band)."
        + (f" Ownership of results: {owner.en}." if owner else "")
        + (f" With {options.en}." if options.en else ""),
        Basis.contractual,
        one.cites,
        HAPPENED,
    )


def _amended(reading: Reading, one: Told) -> Draft:
    day, kind = day_said(one.event.occurred_at), _kind(reading, one)
    changed = listed([_CHANGED.get(each, Wording("その他", "other")) for each in one.fact.changes])
    return Draft(
        f"{day.ja}、{kind.ja}契約を変更した(変更事項: {changed.ja})。",
        f"On {day.en} the agreement on {kind.en} was amended ({changed.en}).",
        Basis.contractual,
        one.cites,
    )


def _renewed(reading: Reading, one: Told) -> Draft:
    day, ends, kind = day_said(one.event.occurred_at), day_said(one.fact.new_ends_on), _kind(reading, one)
    late = one.fact.late
    return Draft(
        f"{day.ja}、{kind.ja}契約を{ends.ja}まで更新した" + ("(期限後の更新)。" if late else "。"),
        f"On {day.en} the agreement on {kind.en} was renewed until {ends.en}" + (" (late)." if late else "."),
        Basis.contractual,
        one.cites,
        HAPPENED,
    )


def _ended(ja: str, en: str) -> Callable[[Reading, Told], Draft]:
    def tell(reading: Reading, one: Told) -> Draft:
        day, kind, why = day_said(one.event.occurred_at), _kind(reading, one), reason_said(one.event.reason)
        return Draft(
            f"{day.ja}、{kind.ja}契約{ja}{why.ja}。",
            f"On {day.en} the agreement on {kind.en} {en}{why.en}.",
            Basis.contractual,
            one.cites,
            TROUBLE,
        )

    return tell


_COLLABORATION: Final = {
    "ConsultationStarted": _consultation,
    "ConsultationConcluded": _concluded,
    "AgreementSigned": _signed,
    "AgreementAmended": _amended,
    "AgreementRenewed": _renewed,
    "AgreementTerminated": _ended("が期間の途中で解約された", "was terminated early"),
    "AgreementExpired": _ended("が期間満了で終了した", "ended with its term"),
    "AgreementAbandoned": _ended("の交渉が打ち切られた", "was given up before signature"),
}


def progress(reading: Reading) -> Iterable[Draft]:
    """D7: research and milestones with their days, pauses, and how the case ended."""
    types = (
        *("ResearchStarted", "ResearchSuspended", "ResearchResumed", "ResearchCompleted", "MilestonePlanned"),
        *("MilestoneReached", "MilestoneMissed", "MilestoneDropped"),
        *("CaseHeld", "CaseResumed", "CaseClosed", "CaseReopened"),
    )
    titles = _titles(reading)
    for one in reading.all(*types):
        kind, day, why = one.event.type, day_said(one.event.occurred_at), reason_said(one.event.reason)
        told = _milestone(one, titles) if kind.startswith("Milestone") else _turn(one)
        mark = TROUBLE if kind in _TROUBLES or told[1] else None if kind == "MilestonePlanned" else HAPPENED
        yield Draft(
            f"{day.ja}、{told[0].ja}{why.ja}。", f"On {day.en} {told[0].en}{why.en}.", Basis.observed, one.cites, mark
        )


_TROUBLES: Final = frozenset({"ResearchSuspended", "MilestoneMissed", "MilestoneDropped", "CaseHeld"})
_TURNS: Final = {
    "ResearchStarted": Wording("研究を開始した", "the research began"),
    "ResearchSuspended": Wording("研究を中断した", "the research was suspended"),
    "ResearchResumed": Wording("研究を再開した", "the research was resumed"),
    "CaseHeld": Wording("案件を保留とした", "the case was put on hold"),
    "CaseResumed": Wording("案件を再開した", "the case was resumed"),
    "CaseReopened": Wording("終了した案件を再び開いた", "the closed case was reopened"),
}
_GOOD_ENDS: Final = frozenset({"commercialized", "transferred", "research_completed", "resolved_by_advice"})


def _turn(one: Told) -> tuple[Wording, bool]:
    """What is said of one turn, and whether it is trouble."""
    fact = one.fact
    if one.event.type == "ResearchCompleted":
        outcome = said(fact.outcome)
        missed = fact.outcome != "achieved"
        return Wording(f"研究を終了した(結果: {outcome.ja})", f"the research was completed ({outcome.en})"), missed
    if one.event.type == "CaseClosed":
        end = disposition_said(fact.disposition)
        told = Wording(f"案件を終了した(終了区分: {end.ja})", f"the case was closed ({end.en})")
        return told, fact.disposition not in _GOOD_ENDS
    if one.event.type == "ResearchSuspended" and fact.expected_resume_on:
        day = day_said(fact.expected_resume_on)
        return Wording(
            f"研究を中断した(再開予定 {day.ja})", f"the research was suspended (to resume on {day.en})"
        ), True
    return _TURNS[one.event.type], False


def _titles(reading: Reading) -> dict[str, Wording]:
    """The milestones' titles; one that tells a secret beyond the consent is masked."""
    found = {}
    for number, one in enumerate(reading.all("MilestonePlanned"), 1):
        may = reading.may(one, "title")
        found[one.fact.milestone_id] = quoted(one.fact.title) if may else Wording(f"第{number}号", f"no. {number}")
    return found


def _milestone(one: Told, titles: dict[str, Wording]) -> tuple[Wording, bool]:
    fact = one.fact
    title = titles.get(fact.milestone_id, Wording("", ""))
    match one.event.type:
        case "MilestonePlanned":
            due = day_said(fact.due_on)
            told = Wording(
                f"マイルストーン{title.ja}を{due.ja}期限で計画した", f"milestone {title.en} was planned for {due.en}"
            )
        case "MilestoneReached":
            told = Wording(f"マイルストーン{title.ja}に到達した", f"milestone {title.en} was reached")
        case "MilestoneMissed":
            later = day_said(fact.new_due_on) if fact.new_due_on else None
            told = Wording(
                f"マイルストーン{title.ja}は未達となった" + (f"(新期限 {later.ja})" if later else ""),
                f"milestone {title.en} was missed" + (f" (new day {later.en})" if later else ""),
            )
        case _:
            told = Wording(f"マイルストーン{title.ja}を取りやめた", f"milestone {title.en} was dropped")
    return told, False
