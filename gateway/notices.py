"""What awaits a person, as it was told to them, and whether the mail of it arrived."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from domain.cloud_events import instant
from domain.notices import NoticeKind
from domain.refusals import Refusal
from domain.terms import Role
from gateway.auth import actor_of, caller_of
from gateway.bodies import fitted
from gateway.parts import gateway_of
from gateway.problems import refused
from gateway.registry import ContactBody
from gateway.views import answer
from store.notices import Contact, Kept

router: Final = APIRouter(tags=["notices"])
_ABOUT: Final = {
    NoticeKind.dossier: "dossier_id",
    NoticeKind.feed_suspended: "endpoint_id",
    NoticeKind.feed_recovered: "endpoint_id",
    NoticeKind.seed_renewal: "seed_id",
    NoticeKind.profile_renewal: "researcher_id",
}
"""What a notice names, when it is no case."""
_After = Annotated[str | None, Query(max_length=200)]
_Limit = Annotated[int, Query(ge=1, le=200)]
_OVERSEERS: Final = frozenset({Role.administrator, Role.coordinator, Role.senior_coordinator})


@router.get("/v1/notices", openapi_extra={"x-answer": "Notices"})
async def list_notices(
    request: Request,
    after: _After = None,
    limit: _Limit = 50,
) -> Response:
    """One's own notices, newest first; `next` goes into `after`."""
    gateway, actor = gateway_of(request), await actor_of(request)
    found = await gateway.store.notices.of_person(actor.person, after=after, limit=limit + 1)
    return answer({"items": [_told(one) for one in found[:limit]], "next": _following(found, limit)})


@router.get("/v1/notices/undelivered", openapi_extra={"x-answer": "Notices"})
async def list_undelivered(request: Request, after: _After = None, limit: _Limit = 200) -> Response:
    """Notices whose mail was not taken, newest first, with what the mail server said; for the center."""
    gateway, actor = gateway_of(request), await actor_of(request)
    if actor.role not in _OVERSEERS:
        raise refused(Refusal.of("not_permitted", role=actor.role, command="ListUndelivered"))
    found = await gateway.store.notices.undelivered(after=after, limit=limit + 1)
    items = [{**_told(one), "person_id": one.person_id} for one in found[:limit]]
    return answer({"items": items, "next": _following(found, limit)})


@router.put("/v1/me/contact", openapi_extra={"x-body": ContactBody.__name__, "x-answer": "Contact"})
async def put_contact(request: Request) -> Response:
    """How one wants to be reached: the address, and when mail comes. An address that is left out stays."""
    gateway, person = gateway_of(request), (await caller_of(request)).person
    body = await fitted(request, ContactBody, gateway.settings.body_limit)
    known = await gateway.store.notices.contact(person.person_id)
    contact = Contact(body.email or known.email, body.notices)
    await gateway.store.notices.set_contact(person.person_id, contact)
    return answer(
        {"email": contact.email, "notices": contact.mode.value} if contact.email else {"notices": contact.mode}
    )


def _following(found: Sequence[Kept], limit: int) -> str | None:
    return found[limit - 1].notice_id if len(found) > limit else None


def _told(one: Kept) -> dict[str, Any]:
    times = {"created_at": one.created_at, "sent_at": one.sent_at, "failed_at": one.failed_at}
    told = {name: instant(at) for name, at in times.items() if at}
    return {
        "notice_id": one.notice_id,
        "kind": one.kind,
        _ABOUT.get(NoticeKind(one.kind), "case_id"): one.case_id,
        **told,
        **({"failure": one.failure} if one.failure and not one.sent_at else {}),
    }
