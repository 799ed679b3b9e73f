"""D11: what is not known, what waits and for how long, what was corrected, what the consent keeps back."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from domain.calendar import japanese_day
from domain.consents import BANK_RELATION
from domain.reasons import Wording
from domain.statements.brief import Basis
from domain.statements.reading import CONSENTS, DUE, HAPPENED, MISSING, TROUBLE, Draft, Reading
from domain.statements.words import day_said, said, stage_said
from domain.terms import STAGE_ORDER, Stage, Status, Timer
from domain.timers import REPORT, TOTAL, Waiting, deadlines, steps_of, waits

_ABSENT: Final = (
    (Stage.review, "NeedTriaged", "センターの審査結果", "an outcome of the center's review"),
    (Stage.assignment, "ResearcherAssigned", "研究者の選定", "an assignment of a researcher"),
    (Stage.visit, "VisitHeld", "企業訪問", "a visit to the company"),
    (Stage.visit, "VisitReportConfirmed", "企業が確認した訪問報告書", "a visit report confirmed by the company"),
    (Stage.consultation, "ReadinessAssessed", "根拠資料を伴う技術成熟度の確認", "technology readiness on evidence"),
    (Stage.agreement, "AgreementSigned", "契約の締結", "a signed agreement"),
    (Stage.research, "MilestonePlanned", "マイルストーンの計画", "a planned milestone"),
    (Stage.transfer, "PatentApplicationFiled", "特許出願", "a patent application"),
    (Stage.commercialization, "ProductReleased", "製品の発売", "a release of a product"),
    (Stage.commercialization, "OrdersReported", "受注の報告", "a report of orders"),
    (Stage.intake, "CompanyFactsDeclared", "研究開発に関する企業の申告", "a statement of the company on its R&D"),
)
"""What a reader looks for, from which stage on its absence belongs on the first page, and what it is called."""


def gaps(reading: Reading) -> Iterable[Draft]:
    """D11, all of it; what the other sections kept back was noted while they were written."""
    yield _standing(reading)
    yield _silence(reading)
    yield from _absences(reading)
    yield from _waiting(reading)
    yield from _corrections(reading)
    yield from _withheld(reading)


def _standing(reading: Reading) -> Draft:
    case, last = reading.brief.case, reading.last
    stage, furthest, status = stage_said(case.stage), stage_said(case.furthest_stage), said(case.status)
    day = day_said(last.recorded_at)
    return Draft(
        f"{day.ja}現在、案件は「{stage.ja}」の段階にあり、{status.ja}である(到達した最も先の段階: {furthest.ja})。",
        f"As of {day.en} the case stands at the stage “{stage.en}” and is {status.en} (furthest stage reached:"
        f" {furthest.en}).",
        Basis.computed,
        (last,),
        TROUBLE if case.status is Status.held else HAPPENED,
    )


def _silence(reading: Reading) -> Draft:
    news = [one for one in reading.seen if one.type not in CONSENTS] or [reading.last]
    last = news[-1]
    day, days = day_said(last.recorded_at), _days(last.recorded_at, reading.brief.issued_at)
    since = Wording(f"以後{days}日間、記録された事実はない。", f" No event recorded in the {days} day(s) since.")
    return Draft(
        f"直近の事実の記録は{day.ja}。" + (since.ja if days else ""),
        f"The last fact was recorded on {day.en}." + (since.en if days else ""),
        Basis.computed,
        (last,),
        MISSING if days >= 30 else None,
    )


def _days(since: datetime, now: datetime) -> int:
    return (japanese_day(now) - japanese_day(since)).days


def _absences(reading: Reading) -> Iterable[Draft]:
    types = {one.type for one in reading.seen}
    case = reading.brief.case
    near = STAGE_ORDER[case.furthest_stage] + 1
    for stage, name, ja, en in _ABSENT:
        if name not in types:
            mark = MISSING if STAGE_ORDER[stage] <= near else None
            yield Draft(f"{ja}の記録はない。", f"There is no record of {en}.", Basis.computed, (reading.last,), mark)
    for visit in case.visits.values():
        if visit.report is not None and visit.report.confirmed_at is None:
            held = [one.event for one in reading.all("VisitHeld") if one.fact.visit_id == visit.visit_id]
            yield Draft(
                "企業の確認を受けていない訪問報告書があるため、その内容は記載しない。",
                "A visit report has not been confirmed by the company; its content is not told.",
                Basis.computed,
                tuple(held) or (reading.last,),
                MISSING,
            )


_EXPECTED: Final = {
    Timer.review: (Wording("センターの審査結果", "the outcome of the center's review"), ("NeedReferred",)),
    Timer.information: (Wording("照会への回答", "an answer to a question"), ("NeedReferred",)),
    Timer.search_regional: (Wording("研究者の選定(九州域内)", "a researcher (in the region)"), ("NeedTriaged",)),
    Timer.search_national: (Wording("研究者の選定(全国)", "a researcher (in the whole country)"), ("NeedTriaged",)),
    Timer.visit_date: (Wording("訪問日の決定", "a day for the visit"), ("ResearcherAssigned",)),
    Timer.visit: (Wording("企業訪問", "the visit"), ("ResearcherAssigned",)),
    Timer.visit_report: (Wording("訪問報告書", "the visit report"), ("VisitHeld",)),
    Timer.next_step: (
        Wording("次の段階の決定", "a decision on the next step"),
        ("VisitReportConfirmed", "NeedTriaged"),
    ),
    Timer.agreement: (Wording("契約交渉の進展", "progress of the negotiation"), ("VisitReportConfirmed",)),
    Timer.agreement_end: (
        Wording("契約期間の終了または更新", "the end or renewal of the agreement"),
        ("AgreementRenewed", "AgreementSigned"),
    ),
    Timer.progress: (Wording("研究の進捗報告", "a report on progress"), ("ResearchStarted", "ConsultationStarted")),
    Timer.milestone: (Wording("マイルストーンの達成", "a milestone"), ("MilestonePlanned",)),
    Timer.held: (Wording("保留の解除または終了の判断", "a decision on the held case"), ("CaseHeld",)),
    Timer.follow_up: (Wording("終了後の状況の確認", "the question how it went on"), ("CaseClosed",)),
}
"""What of a case's waits a lender may know, and the events they began with, the most telling first."""


def _waiting(reading: Reading) -> Iterable[Draft]:
    """What is expected next and by when; a wait whose day has passed is overdue."""
    now, found = reading.brief.issued_at, []
    for wait in waits(reading.brief.case):
        known = _EXPECTED.get(wait.timer)
        due = _due(reading, wait)
        if known and due and not wait.subject.startswith(TOTAL):
            found.append((due, wait, *known))
    for due, wait, what, types in sorted(found, key=lambda one: (one[0], one[1].timer, one[1].subject)):
        day, late = day_said(due), due < now
        label = _label(wait, what)
        cites = next((list_ for name in types if (list_ := reading.all(name))), None)
        yield Draft(
            f"次に予定される事項: {label.ja}。期日 {day.ja}" + ("(期日超過)。" if late else "。"),
            f"Expected next: {label.en}, due {day.en}" + (" (overdue)." if late else "."),
            Basis.computed,
            (cites[-1].event,) if cites else (reading.last,),
            DUE,
        )


def _label(wait: Waiting, what: Wording) -> Wording:
    if wait.subject.startswith(REPORT):
        return Wording("訪問報告書の企業による確認", "the company's confirmation of the visit report")
    return what


def _due(reading: Reading, wait: Waiting) -> datetime | None:
    """When the thing itself is due: a planned day, or the first day on which it is asked for."""
    if wait.begun:
        return wait.since
    if wait.timer in {Timer.follow_up, Timer.held}:
        nearest = [one for one in deadlines(reading.brief.case) if one.timer is wait.timer]
        return nearest[0].due_at if nearest else None
    return steps_of(wait)[0].due(wait.since)


def _corrections(reading: Reading) -> Iterable[Draft]:
    for one in reading.all("CorrectionRecorded"):
        day = day_said(one.event.recorded_at)
        same_type = (each.event for each in reading.all(one.fact.corrects_type))
        corrected = [each for each in same_type if each.event_id == one.fact.corrects_event_id]
        yield Draft(
            f"{day.ja}、本資料が引用する記録の訂正が記録された。",
            f"On {day.en} a correction of a record cited here was recorded.",
            Basis.observed,
            (*corrected, one.event),
            TROUBLE,
        )


def _withheld(reading: Reading) -> Iterable[Draft]:
    for kind, events in sorted(reading.withheld.items()):
        what = said(kind)
        yield Draft(
            f"同意の範囲外のため記載していない事項がある(区分: {what.ja}、該当する記録 {len(events)}件)。",
            f"Withheld as outside the consent: {what.en} (in {len(events)} record(s)).",
            Basis.computed,
            tuple(events),
            None if kind == BANK_RELATION else MISSING,
        )
