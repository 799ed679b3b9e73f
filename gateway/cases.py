"""Cases to read, each role its own view: what a role may not see is absent, and a strange case does not exist."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from starlette.datastructures import URL

from domain.case import evolve
from domain.cloud_events import Reader, cloud_event, instant
from domain.disclosures import consent_at, disclosures
from domain.envelope import Actor
from domain.reasons import Wording
from domain.refusals import Refusal
from domain.terms import Role, Stage, Status
from domain.visibility import CENTER_ROLES, reader_keys
from gateway.auth import actor_of
from gateway.commands import known_form
from gateway.conditions import etag
from gateway.dossiers import disclosed_to_lenders
from gateway.moments import PARAMETERS, AskedMoments
from gateway.parts import Gateway, gateway_of
from gateway.problems import Fault, refused, unfit, unknown_case
from gateway.recorded import note_cases
from gateway.trails import Trail
from gateway.views import UNCHANGED, answer, read, row, row_of_overview
from store.desk import stream_of
from store.overview import Overview, Place
from store.sealing import SealBroken

router: Final = APIRouter(tags=["cases"])
_CURSOR: Final = "cursor of cases"
_Limit = Annotated[int, Query(ge=1, le=200)]


@router.get("/v1/cases", openapi_extra={"x-answer": "Cases"}, responses=UNCHANGED)
async def list_cases(
    request: Request,
    stage: Stage | None = None,
    status: Status | None = None,
    after: str | None = None,
    limit: _Limit = 50,
) -> Response:
    """The cases the reader has to do with, newest first, a page at a time: `next` goes into `after`.

    A page may hold fewer than *limit* although another follows.
    """
    gateway, actor = gateway_of(request), await actor_of(request)
    require_known_parameters(request, "stage", "status", "after", "limit")
    found = await gateway.store.overview.cases(
        readers=reader_keys(actor),
        stage=stage,
        status=status,
        merged_too=actor.role is Role.bank_officer,
        after=_place(gateway, after) if after is not None else None,
        limit=limit + 1,
    )
    following = _cursor(gateway, found[limit - 1]) if len(found) > limit else None
    now = await gateway.store.clock.now()
    rows = [one for overview in found[:limit] if (one := await _row(gateway, overview, actor, now))]
    fit = [
        one for one in rows if one["stage"] == (stage or one["stage"]) and one["status"] == (status or one["status"])
    ]
    note_cases(request, [overview.case_id for overview in found[:limit]])
    return _page(request, fit, following)


@router.get("/v1/cases/{case_id}", openapi_extra={"x-answer": "Case"}, responses=UNCHANGED)
async def read_case(request: Request, case_id: str, moments: AskedMoments) -> Response:
    """One case as the reader may see it: now, as it was known at a version or a time, as it was true at a time.

    `as_of` goes by when something was recorded, `true_on` by when it happened; a version is in the reader's own count.
    """
    gateway, actor = gateway_of(request), await actor_of(request)
    require_known_parameters(request, *PARAMETERS)
    view = await moments.seen(gateway, await _trail(gateway, actor, case_id))
    return read(request, view, etag(view["version"]))


@router.get("/v1/cases/{case_id}/events", openapi_extra={"x-answer": "CloudEvents"}, responses=UNCHANGED)
async def list_events(
    request: Request,
    case_id: str,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> Response:
    """The case's history as CloudEvents, in the reader's own numbers: `next` goes into `after`.

    An auditor's number is the event's global position, which is also its place in the log.
    """
    gateway, actor = gateway_of(request), await actor_of(request)
    require_known_parameters(request, "after", "limit")
    trail = await _trail(gateway, actor, case_id)
    numbered = [(number, event, data) for number, event, data, _ in await gateway.trails.events(trail)]
    if actor.role is Role.auditor:
        places = await gateway.store.ledger.positions(stream_of(case_id))
        numbered = [(places[event.version], event, data) for _, event, data in numbered]
    shown = [one for one in numbered if one[0] > after]
    reader = Reader(actor.role, actor.org_id, case_id)
    items = [cloud_event(number, event, data, reader) for number, event, data in shown[:limit]]
    return _page(request, items, str(shown[limit - 1][0]) if len(shown) > limit else None)


@router.get("/v1/cases/{case_id}/disclosures", openapi_extra={"x-answer": "Disclosures"})
async def list_disclosures(request: Request, case_id: str) -> Response:
    """What of the company was shown to whom, and when: for the company itself, and for the center.

    `reads` are the last thousand reads by lenders and auditors, each under the consent that was in force.
    """
    gateway, actor = gateway_of(request), await actor_of(request)
    require_known_parameters(request)
    await _trail(gateway, actor, case_id)
    if actor.role is not Role.company_representative and actor.role not in CENTER_ROLES:
        raise refused(Refusal.of("not_permitted", role=actor.role, command="ListDisclosures"))
    steps, state = [], None
    for event in await gateway.cases.events(case_id):
        state = evolve(state, event)
        steps.append((state, event))
    found = [*disclosures(steps), *(await disclosed_to_lenders(gateway, state) if state else ())]
    items = [one.model_dump(mode="json", exclude_none=True) for one in sorted(found, key=lambda one: one.at)]
    reads = [
        {"at": instant(one.read_at), "role": one.role, "to": one.org_id, "person": one.person_id, "read": one.address}
        | ({"consent_id": consent} if (consent := consent_at(steps, one.read_at, Role(one.role))) else {})
        for one in await gateway.store.desk.reads(case_id)
    ]
    return answer({"items": items, "reads": reads, "next": None})


async def _trail(gateway: Gateway, actor: Actor, case_id: str) -> Trail:
    trail = await gateway.trails.find(known_form(case_id), actor)
    if trail is None:
        raise unknown_case()
    return trail


async def _row(gateway: Gateway, overview: Overview, actor: Actor, now: datetime) -> dict[str, Any] | None:
    if reader_keys(actor) is None:
        return row_of_overview(overview)
    case = await gateway.cases.at(overview.case_id, overview.version)
    assert case is not None
    trail = await gateway.trails.along(case, actor, now)
    return row(trail.view()) if trail else None


def _page(request: Request, items: Sequence[Any], following: str | None) -> Response:
    headers = {}
    if following is not None:
        url: URL = request.url.include_query_params(after=following)
        headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return read(request, {"items": items, "next": following}, headers=headers)


def _cursor(gateway: Gateway, last: Overview) -> str:
    told = json.dumps([last.opened_at.isoformat(), last.case_id]).encode()
    return base64.urlsafe_b64encode(gateway.store.seals.seal(told, _CURSOR)).decode().rstrip("=")


def _place(gateway: Gateway, cursor: str) -> Place:
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        opened_at, case_id = json.loads(gateway.store.seals.unseal(sealed, _CURSOR))
    except (binascii.Error, SealBroken, ValueError) as error:
        text = Wording("このページ位置は使えません。", "This is no `next` of a list of cases.")
        raise unfit(Fault("after", text, in_query=True)) from error
    return datetime.fromisoformat(opened_at), case_id


def require_known_parameters(request: Request, *known: str) -> None:
    """Refuse a query parameter that is not *known*. Raises Problem."""
    text = Wording("このパラメーターはありません。", "There is no such parameter here.")
    faults = [Fault(name, text, in_query=True) for name in request.query_params if name not in known]
    if faults:
        raise unfit(*faults)
