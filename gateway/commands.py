"""Commands over HTTP: a bank's need, and every command of the catalogue to a case."""

from dataclasses import replace
from functools import cache
from typing import Any, Final
from uuid import uuid4

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import Field, TypeAdapter, ValidationError, create_model

from domain.canonical import canonical
from domain.envelope import Actor, Command, CommandData, Reason
from domain.law import RULES
from domain.reasons import Wording
from domain.records import Instant, Key, Record
from domain.stages.intake import OpenCase, ReferNeed
from domain.streams import CASE
from domain.terms import Role
from gateway.ask import Wish, bank_of
from gateway.auth import actor_of
from gateway.bodies import fitted
from gateway.conditions import expected_versions, idempotency_key
from gateway.parts import gateway_of
from gateway.problems import Problem, unknown_case
from store.connect import Store

router: Final = APIRouter()
NEED: Final = ReferNeed.__name__
OPEN: Final = OpenCase.__name__
STREAMS: Final = {
    "cases": "case",
    "companies": "company",
    "institutions": "institution",
    "researchers": "researcher",
    "seeds": "seed",
    "exchange-events": "exchange-event",
    "dossiers": "dossier",
    "recommendations": "recommendation",
}
"""The kinds of streams that take commands, by the word in the address."""
OFFERED: Final = {
    name: rule for name, rule in RULES.items() if rule.by != {Role.system} and not (rule.opens and rule.stream == CASE)
}
"""The commands that may be sent to a stream by its id."""
_KEY: Final = TypeAdapter[str](Key)
_NEEDS: Final = "needs"
"""Where an Idempotency-Key of a need counts: the case is not known before the need is."""


class Body(Record):
    """A command's body; `body_of` knows the shape of its data."""

    data: CommandData
    reason: Reason | None = None
    occurred_at: Instant | None = None
    evidence: tuple[Key, ...] = Field((), max_length=50)
    on_behalf_of: Key | None = None


@cache
def body_of(name: str) -> type[Body]:
    """The body of the command *name*."""
    data: Any = (RULES[name].data, ...)
    return create_model(f"{name}Command", __base__=Body, __doc__=RULES[name].data.__doc__, data=data)


def example_body(name: str) -> dict[str, Any]:
    """A body of the command *name* that fits."""
    return {"data": getattr(RULES[name].data, "example", {})}


@router.post("/v1/needs", include_in_schema=False)
async def refer_need(request: Request) -> Response:
    """A bank refers a client's need: 201 with the case, and the same again for the same reference."""
    gateway, actor = gateway_of(request), await actor_of(request)
    body = await fitted(request, body_of(NEED), gateway.settings.body_limit)
    assert isinstance(body.data, ReferNeed)
    bank_id = bank_of(actor, body.on_behalf_of)
    case_id = gateway.store.seals.case_id_for(bank_id, body.data.bank_reference)
    return await gateway.asking.ask(wish_of(request, actor, case_id, body, scope=_NEEDS))


@router.post("/v1/cases", include_in_schema=False)
async def open_case(request: Request) -> Response:
    """A coordinator opens a case that no bank referred: 201 with the case."""
    gateway, actor = gateway_of(request), await actor_of(request)
    body = await fitted(request, body_of(OPEN), gateway.settings.body_limit)
    wish = wish_of(request, actor, "new", body, scope=OPEN)
    case_id = gateway.store.seals.opened_case_id(actor.org_id, wish.command.command_id)
    command = wish.command.model_copy(update={"case_id": case_id})
    return await gateway.asking.ask(replace(wish, command=command))


@router.post("/v1/{kind}/{entry_id}/commands/{name}", include_in_schema=False)
async def command_stream(request: Request) -> Response:
    """A command of the catalogue to one case, or to one entry of the catalogue."""
    gateway, actor = gateway_of(request), await actor_of(request)
    kind, name = request.path_params["kind"], request.path_params["name"]
    if kind not in STREAMS:
        raise HTTPException(404)
    if name not in OFFERED or OFFERED[name].stream != STREAMS[kind]:
        raise _unknown_command()
    body = await fitted(request, body_of(name), gateway.settings.body_limit)
    entry_id = known_form(request.path_params["entry_id"])
    scope = entry_id if kind == "cases" else f"{kind}/{entry_id}"
    return await gateway.asking.ask(wish_of(request, actor, entry_id, body, scope=scope))


def known_form(case_id: str) -> str:
    """*case_id*, if it could be one; otherwise there is no such case. Raises Problem."""
    try:
        return _KEY.validate_python(case_id)
    except ValidationError:
        raise unknown_case() from None


def wish_of(request: Request, actor: Actor, case_id: str, body: Body, *, scope: str) -> Wish:
    """What *body* asks of *case_id*, with the headers of *request*; a key counts within *scope*."""
    key = idempotency_key(request.headers.getlist("idempotency-key"))
    command = Command(
        command_id=_command_id(gateway_of(request).store, actor, scope, key),
        case_id=case_id,
        name=type(body.data).__name__,
        data=body.data,
        actor=actor,
        reason=body.reason,
        occurred_at=body.occurred_at,
        evidence=body.evidence,
        on_behalf_of=body.on_behalf_of,
    )
    return Wish(command, key is not None, expected_versions(request.headers.getlist("if-match")))


def _command_id(store: Store, actor: Actor, scope: str, key: str | None) -> str:
    if key is None:
        return f"c-{uuid4().hex}"
    named = canonical(["command id", actor.org_id, actor.person, scope, key])
    return f"c-{store.seals.fingerprint(named)[:20].hex()}"


def _unknown_command() -> Problem:
    ja, en = "この名前のコマンドはありません。", "No command has this name; GET /v1/openapi.json lists them all."
    return Problem("unknown_command", Wording(ja, en))
