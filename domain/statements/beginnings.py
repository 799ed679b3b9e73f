"""D0 to D3: on what consent it rests, what the company needs, what the center made of it, who was found."""

from collections.abc import Iterable
from datetime import date

from domain.envelope import Reason
from domain.reasons import Wording
from domain.statements.brief import Basis
from domain.statements.reading import HAPPENED, TROUBLE, Draft, Reading, Told, plain, quoted
from domain.statements.words import day_said, listed, reason_said, said


def header(reading: Reading) -> Iterable[Draft]:
    """D0: the consent and its scope, what is drawn on, and for how long it stands."""
    brief, consent = reading.brief, reading.brief.consent
    cites = [one.event for one in reading.all("CompanyConsentRecorded", "CompanyConsentChanged")] or [reading.last]
    company, lender = reading.name(brief.case.company_id), reading.name(brief.lender_id)
    given, until = day_said(consent.recorded_at), day_said(consent.valid_until)
    yield Draft(
        f"{company}は{given.ja}、{lender}による融資評価のための情報提供に同意した(有効期限 {until.ja})。",
        f"On {given.en} {company} consented to the use of its information for lending evaluation by {lender}"
        f" (valid until {until.en}).",
        Basis.declared,
        tuple(cites),
    )
    classes = listed([said(one) for one in consent.data_classes])
    yield Draft(
        f"同意の範囲: {classes.ja}。範囲外の事項は記載せず、その旨を表示する。",
        f"Scope of the consent: {classes.en}. What lies outside is not told, and is marked as withheld.",
        Basis.declared,
        tuple(cites),
    )
    last = reading.last
    day = day_said(last.recorded_at)
    yield Draft(
        f"本資料は{day.ja}までに記録された{len(reading.seen)}件の事実に基づく。",
        f"It draws on {len(reading.seen)} facts recorded up to {day.en}.",
        Basis.computed,
        (last,),
    )


def need(reading: Reading) -> Iterable[Draft]:
    """D1: the problem in the company's words, and who brought it."""
    for one in reading.all("NeedReferred"):
        day, fact = day_said(one.event.occurred_at), one.fact
        title = quoted(fact.title)
        yield Draft(
            f"{day.ja}、企業の技術ニーズ{title.ja}が取り次がれた。" + _referrer(reading, one).ja,
            f"On {day.en} the company's technical need {title.en} was referred. " + _referrer(reading, one).en,
            Basis.declared,
            one.cites,
            HAPPENED,
        )
        yield from _need_told(reading, one, fact.__dict__)
    for one in reading.all("NeedSupplemented"):
        day = day_said(one.event.occurred_at)
        known = {name: value for name, value in one.fact.fields.items() if reading.may(one, f"fields/{name}")}
        yield Draft(
            f"{day.ja}、ニーズの内容が補足された。",
            f"On {day.en} the need was supplemented.",
            Basis.declared,
            one.cites,
        )
        yield from _need_told(reading, one, known)


_SAID_OF_NEED = (
    ("public_summary", "概要", "Summary"),
    ("description", "課題", "Problem"),
    ("tried_before", "これまでの取組み", "Tried before"),
)


def _need_told(reading: Reading, one: Told, known: dict[str, object]) -> Iterable[Draft]:
    for name, ja, en in _SAID_OF_NEED:
        text = known.get(name)
        if text and reading.may(one, name):
            words = quoted(str(text))
            yield Draft(f"{ja}: {words.ja}", f"{en}: {words.en}", Basis.declared, one.cites)
    wished, band = known.get("desired_by"), known.get("budget_band")
    if wished and reading.may(one, "desired_by"):
        day = day_said(date.fromisoformat(str(wished)))
        yield Draft(f"希望時期: {day.ja}", f"Wished for by: {day.en}", Basis.declared, one.cites)
    if band and reading.may(one, "budget_band"):
        told = said(band)
        yield Draft(f"企業の予算(帯): {told.ja}", f"The company's budget (band): {told.en}", Basis.declared, one.cites)


def _referrer(reading: Reading, one: Told) -> Wording:
    bank = one.fact.bank_id
    if bank is None:
        origin = said(reading.brief.case.origin)
        return Wording(f"(経路: {origin.ja})", f"(Way in: {origin.en}.)")
    if bank == reading.brief.lender_id or reading.may(one, "bank_id"):
        name = reading.name(bank)
        return Wording(f"(取次ぎ: {name})", f"(Referred by {name}.)")
    return Wording(
        "(取次ぎをした金融機関の名称は同意の範囲外)", "(The name of the referring bank is outside the consent.)"
    )


def review(reading: Reading) -> Iterable[Draft]:
    """D2: the center's own review: route, criteria, experts heard."""
    for one in reading.all("NeedTriaged", "SpecialistConsulted", "NeedDeclined", "NeedRedirected"):
        day, fact = day_said(one.event.occurred_at), one.fact
        role, why = said(one.event.actor.role), reason_said(one.event.reason)
        if one.event.type == "NeedTriaged":
            route = said(fact.route)
            yield Draft(
                f"{day.ja}、センターの{role.ja}が審査し、経路を「{route.ja}」とした。",
                f"On {day.en} a {role.en} of the center reviewed the need; route: {route.en}.",
                Basis.observed,
                one.cites,
                HAPPENED,
            )
            if fact.criteria and reading.may(one, "criteria"):
                yield _criteria(one)
        elif one.event.type == "SpecialistConsulted":
            kind = said(fact.expert_kind)
            yield Draft(
                f"{day.ja}、専門家({kind.ja})に照会した。",
                f"On {day.en} an expert ({kind.en}) was asked.",
                Basis.observed,
                one.cites,
            )
        elif one.event.type == "NeedDeclined":
            yield Draft(
                f"{day.ja}、センターはこのニーズを取り上げないこととした{why.ja}。",
                f"On {day.en} the center did not take the need up{why.en}.",
                Basis.observed,
                one.cites,
                TROUBLE,
            )
        else:
            to = plain(fact.to_org)
            yield Draft(
                f"{day.ja}、{to.ja}へ取り次いだ。",
                f"On {day.en} the need was redirected to {to.en}.",
                Basis.observed,
                one.cites,
                TROUBLE,
            )


def _criteria(one: Told) -> Draft:
    met = listed([said(each.code) for each in one.fact.criteria if each.met])
    unmet = listed([said(each.code) for each in one.fact.criteria if not each.met])
    return Draft(
        f"審査項目 該当: {met.ja or 'なし'}。非該当: {unmet.ja or 'なし'}。",
        f"Criteria met: {met.en or 'none'}. Not met: {unmet.en or 'none'}.",
        Basis.observed,
        one.cites,
    )


def researchers(reading: Reading) -> Iterable[Draft]:
    """D3: which institution looked at it and how interests were decided; a researcher is never named."""
    asked = reading.brief.case.assignments
    for one in reading.all(
        "ResearcherAssigned", "ConflictOfInterestDecided", "ResearcherReleased", "NoResearcherFound"
    ):
        day, fact = day_said(one.event.occurred_at), one.fact
        found = asked.get(getattr(fact, "assignment_id", ""))
        institution = reading.name(found.institution_id) if found else "-"
        if one.event.type == "ResearcherAssigned":
            role = said(found.role) if found else said("lead")
            yield Draft(
                f"{day.ja}、{institution}の研究者が{role.ja}者として選定された。",
                f"On {day.en} a researcher of {institution} was assigned ({role.en}).",
                Basis.observed,
                one.cites,
                HAPPENED,
            )
        elif one.event.type == "ConflictOfInterestDecided":
            yield _conflict(one, institution)
        elif one.event.type == "ResearcherReleased":
            cause = reason_said(one.event.reason) if one.event.reason else _cause(fact.cause)
            yield Draft(
                f"{day.ja}、{institution}の研究者が案件を離れた{cause.ja}。",
                f"On {day.en} the researcher of {institution} left the case{cause.en}.",
                Basis.observed,
                one.cites,
                TROUBLE,
            )
        else:
            yield _nobody(one)


def _cause(cause: object) -> Wording:
    return reason_said(Reason(code=str(cause)))


def _conflict(one: Told, institution: str) -> Draft:
    day, decision = day_said(one.event.occurred_at), said(one.fact.decision)
    conditions = [quoted(each) for each in one.fact.conditions]
    ja = "、".join(each.ja for each in conditions)
    en = ", ".join(each.en for each in conditions)
    return Draft(
        f"{day.ja}、{institution}の研究者の利益相反について判定された: {decision.ja}。"
        + (f"条件: {ja}。" if ja else ""),
        f"On {day.en} the conflict of interest of the researcher of {institution} was decided: {decision.en}."
        + (f" Conditions: {en}." if en else ""),
        Basis.observed,
        one.cites,
        TROUBLE if conditions else None,
    )


def _nobody(one: Told) -> Draft:
    day, fact = day_said(one.event.occurred_at), one.fact
    counted = [(reason_said(Reason(code=code)), count) for code, count in fact.reason_counts.items()]
    ja = "".join(f"{why.ja} {count}件。" for why, count in counted)
    en = " ".join(f"{why.en.strip()}: {count}." for why, count in counted)
    return Draft(
        f"{day.ja}、{fact.asked_count}名に照会したが研究者は見つからなかった。{ja}",
        f"On {day.en} no researcher had been found; asked: {fact.asked_count}. {en}".strip(),
        Basis.observed,
        one.cites,
        TROUBLE,
    )
