"""D4 and D5: what was seen on site, and how ready the technology was found to be, by whom and on what evidence."""

from collections.abc import Iterable

from domain.reasons import Wording
from domain.stages.visit import redacted
from domain.state import Visit
from domain.statements.brief import Basis
from domain.statements.reading import HAPPENED, TROUBLE, Draft, Reading, Told, quoted
from domain.statements.words import day_said, listed, reason_said, said
from domain.terms import Role


def visits(reading: Reading) -> Iterable[Draft]:
    """D4: only what the company confirmed is told of a report (invariant 13)."""
    for one in reading.all("VisitHeld", "VisitCancelled", "VisitReportConfirmed"):
        day = day_said(one.event.occurred_at)
        if one.event.type == "VisitHeld":
            who = _attended(reading, one)
            yield Draft(
                f"{day.ja}、企業を訪問した。出席: {who.ja}。",
                f"On {day.en} the company was visited. Present: {who.en}.",
                Basis.observed,
                one.cites,
                HAPPENED,
            )
        elif one.event.type == "VisitCancelled":
            why = reason_said(one.event.reason)
            yield Draft(
                f"{day.ja}、予定していた企業訪問が中止された{why.ja}。",
                f"On {day.en} a planned visit was called off{why.en}.",
                Basis.observed,
                one.cites,
                TROUBLE,
            )
        else:
            yield from _report(reading, one)


def _attended(reading: Reading, one: Told) -> Wording:
    """Roles and institutions, no names; officers of other banks are left out (invariant 24)."""
    found = []
    for person in one.fact.attended:
        if person.role is Role.bank_officer and person.org not in {None, reading.brief.lender_id}:
            continue
        role = said(person.role)
        name = reading.name(person.org) if person.org else ""
        found.append(Wording(f"{role.ja}({name})", f"{role.en} ({name})") if name else role)
    return listed(list(dict.fromkeys(found)))


def _report(reading: Reading, one: Told) -> Iterable[Draft]:
    """The confirmed report, with its filing and its confirmation as sources."""
    visit = _visit_of(reading, one.fact.report_id)
    filed = [each for each in reading.all("VisitReportFiled") if each.fact.report_id == one.fact.report_id]
    if visit is None or visit.report is None or not filed:
        return
    latest, report = filed[-1], visit.report
    cites = (*latest.cites, *one.cites)
    confirmed, feasibility = day_said(one.event.occurred_at), said(latest.fact.feasibility)
    author = said(latest.event.actor.role)
    yield Draft(
        f"訪問報告書({author.ja}作成、企業が{confirmed.ja}に確認)による実現可能性の所見: {feasibility.ja}。",
        f"Feasibility as found in the visit report (written by a {author.en}, confirmed by the company on"
        f" {confirmed.en}): {feasibility.en}.",
        Basis.observed,
        cites,
        HAPPENED,
        "company",
    )
    if reading.allows_report(one.event):
        hidden = [passage for passage in report.redactions if passage in (report.proposed_step or "")]
        texts = (("現地での観察", "Observed on site", redacted(latest.fact.findings, report.redactions)),)
        step = latest.fact.proposed_step and redacted(latest.fact.proposed_step, hidden)
        for ja, en, text in (*texts, ("提案された次の段階", "Proposed next step", step)):
            if text:
                words = quoted(text)
                yield Draft(f"{ja}: {words.ja}", f"{en}: {words.en}", Basis.observed, cites, None, "company")
    if report.redactions:
        yield Draft(
            "企業は報告書の一部を非開示とした(■■■)。",
            "The company keeps parts of the report undisclosed (■■■).",
            Basis.declared,
            one.cites,
        )


def _visit_of(reading: Reading, report_id: str) -> Visit | None:
    visits = reading.brief.case.visits.values()
    return next((one for one in visits if one.report and one.report.report_id == report_id), None)


def readiness(reading: Reading) -> Iterable[Draft]:
    """D5: no level without assessor and evidence (invariant 21); a fall is told like a rise."""
    before: int | None = None
    for one in reading.all("ReadinessAssessed"):
        fact, day, scale = one.fact, day_said(one.event.occurred_at), said(one.fact.scale)
        count = len(set(fact.evidence) | {each.document_id for each in one.event.evidence})
        if not count:
            continue
        assessor = said(one.event.actor.role)
        second = fact.second_assessor_ref is not None
        basis = quoted(fact.basis) if fact.basis and reading.may(one, "basis") else None
        fell = before is not None and fact.level < before
        who = f"{assessor.ja}{'、第二確認者あり' if second else ''}"
        yield Draft(
            f"{day.ja}、{scale.ja} {fact.level}と確認された(確認者: {who}、根拠資料 {count}件)。"
            + (f"確認方法: {basis.ja}" if basis else "")
            + ("前回より下がった。" if fell else ""),
            f"On {day.en}: {scale.en} {fact.level}, assessed by a {assessor.en}"
            f"{' and a second assessor' if second else ''} on {count} document(s)."
            + (f" Basis: {basis.en}." if basis else "")
            + (" Lower than before." if fell else ""),
            Basis.observed,
            one.cites,
            TROUBLE if fell else HAPPENED,
        )
        before = fact.level
