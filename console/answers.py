"""A link in a mail answers one thing once, without an account: an offer, or the report of a visit.

Reading the page changes nothing, so that a mail filter that follows links answers nothing; the form does. Whoever has
the link acts as the person it was sent to, in that one matter only.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from console.pages import language, page
from domain.envelope import Actor, Command, Person, Reason
from domain.law import RULES
from domain.notices import ANSWERED_BY
from domain.reasons import CATALOGUE, ReasonKind, Wording
from domain.views import case_view
from domain.visibility import row_keys
from gateway.ask import Wish
from gateway.parts import Gateway, gateway_of
from gateway.problems import Problem
from store.notices import LINK_DAYS, Kept
from store.pool import reading_as

router: Final = APIRouter(include_in_schema=False)
_MOST_BYTES: Final = 100_000

_GONE: Final = Wording("このリンクは使えません。", "This link is of no use: it is unknown, or too old.")
_DONE: Final = Wording("回答済みです。ありがとうございました。", "This has been answered. Thank you.")
_THANKS: Final = Wording("回答を受け付けました。ありがとうございました。", "Your answer was taken. Thank you.")
_TOO_MUCH: Final = Wording("入力が長すぎます。", "That is too long.")


@dataclass(frozen=True)
class Matter:
    """What a link is about: the notice, the person it was sent to, and the case as that person sees it."""

    notice: Kept
    person: Person
    view: dict[str, Any]

    @property
    def actor(self) -> Actor:
        """Who the link's holder acts as."""
        return Actor(role=self.person.role, org_id=self.person.org_id, person=self.person.person_id)


@router.get("/answers/{word}")
async def show(request: Request, word: str) -> Response:
    """What is asked, and the form that answers it."""
    found = await _matter(gateway_of(request), word)
    if found is None:
        return _told(request, _GONE, 404)
    return _told(request, _DONE) if found.notice.answered_at else _form(request, found)


@router.post("/answers/{word}")
async def answer(request: Request, word: str) -> Response:
    """The answer: a command of the person the link was sent to."""
    gateway = gateway_of(request)
    found = await _matter(gateway, word)
    if found is None:
        return _told(request, _GONE, 404)
    if found.notice.answered_at:
        return _told(request, _DONE)
    if int(request.headers.get("content-length") or _MOST_BYTES + 1) > _MOST_BYTES:
        return _form(request, found, problem=_TOO_MUCH, status=413)
    async with request.form(max_fields=10, max_files=0) as form:
        typed = {name: value for name, value in form.items() if isinstance(value, str)}
    name = typed.get("command", "")
    if name not in found.notice.answers:
        return _form(request, found, typed=typed, status=422)
    try:
        await gateway.asking.ask(Wish(_command(found, name, typed), keyed=True))
    except Problem as problem:
        return _form(request, found, typed=typed, problem=problem.detail, status=problem.status)
    await gateway.store.notices.mark_answered(found.notice.notice_id)
    return _told(request, _THANKS)


async def _matter(gateway: Gateway, word: str) -> Matter | None:
    notice = await gateway.store.notices.by_link(word)
    now = await gateway.store.clock.now()
    if notice is None or now - notice.created_at > timedelta(days=LINK_DAYS):
        return None
    person = await gateway.store.directory.person(notice.person_id)
    if person is None:
        return None
    actor = Actor(role=person.role, org_id=person.org_id, person=person.person_id)
    with reading_as(row_keys(actor)):
        case = await gateway.cases.today(notice.case_id)
    if case is None:
        return None
    return Matter(notice, person, case_view(case, actor, now))


def _command(found: Matter, name: str, typed: dict[str, str]) -> Command:
    """The command as it was typed; the same answer twice is the same command."""
    data: dict[str, Any] = {ANSWERED_BY[name]: found.notice.subject}
    if name == "ConfirmVisitReport":
        lines = [line.strip() for line in typed.get("redactions", "").splitlines()]
        data["redactions"] = [line for line in lines if line]
    reason = None
    if RULES[name].reason:
        reason = Reason(code=typed.get("reason", "no_capacity"), text=typed.get("text") or None)
    told = json.dumps([name, data, reason and reason.model_dump()], sort_keys=True)
    return Command(
        command_id=f"link-{found.notice.notice_id}-{hashlib.sha256(told.encode()).hexdigest()[:16]}",
        case_id=found.notice.case_id,
        name=name,
        data=RULES[name].data.model_validate(data),
        actor=found.actor,
        reason=reason,
    )


def _form(
    request: Request,
    found: Matter,
    *,
    typed: dict[str, str] | None = None,
    problem: Wording | None = None,
    status: int = 200,
) -> Response:
    lang = language(request)
    values = {
        "matter": found,
        "typed": typed or {},
        "problem": getattr(problem, lang) if problem else None,
        "reasons": [(code, getattr(text, lang)) for code, text in CATALOGUE[ReasonKind.assignment].items()],
        "need": found.view.get("need", {}),
        "report": _report(found),
    }
    return page(request, "answer.html", values, status)


def _report(found: Matter) -> dict[str, Any]:
    for visit in found.view.get("visits", ()):
        report: dict[str, Any] = visit.get("report", {})
        if report.get("report_id") == found.notice.subject:
            return report
    return {}


def _told(request: Request, text: Wording, status: int = 200) -> Response:
    return page(request, "told.html", {"text": getattr(text, language(request))}, status)
