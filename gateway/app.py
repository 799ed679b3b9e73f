"""The gateway as an ASGI application, to run alone or in one process with a worker."""

from typing import Final

import structlog
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match
from temporalio.client import Client

from domain.reasons import Wording
from gateway import (
    absences,
    accounts,
    auditor,
    cases,
    clients,
    commands,
    documents,
    dossiers,
    endpoints,
    explained,
    feed,
    keys,
    notices,
    oauth,
    oidc,
    operations,
    registry,
    schemas,
    sessions,
)
from gateway.ask import Asking
from gateway.auth import admit
from gateway.batches import routes as batches
from gateway.conditions import require_text
from gateway.engine import Engine
from gateway.keysets import Issuers
from gateway.parts import Gateway
from gateway.passwords import Passwords
from gateway.problems import Fault, Problem, database_full, database_unavailable, key_missing, unfit
from gateway.quota import Quota
from gateway.recorded import Recorded
from gateway.settings import GatewaySettings
from gateway.tokens import Signing, Tokens
from gateway.trace import Traced
from gateway.trails import Trails
from gateway.wording import sentence_of
from store.cases import Cases
from store.connect import Store, StoreUnreachable
from store.pool import StoreFull
from store.sealing import KeyMissing

__all__ = ["GatewaySettings", "create_app"]

_AUDIENCES: Final = (
    *(auditor, dossiers, feed, endpoints, commands, cases, documents, batches, notices, absences, registry, keys),
    *(clients, oauth, accounts, sessions, oidc, schemas, explained, operations),
)
log = structlog.get_logger("gateway")
_DEFAULTS: Final = GatewaySettings()
_BY_STATUS: Final = {
    404: ("not_found", Wording("このアドレスには何もありません。", "There is nothing at this address.")),
    405: ("method_not_allowed", Wording("ここではこのメソッドは使えません。", "This method is not for this address.")),
}
_BAD: Final = Wording("リクエストを読み取れません。", "The request cannot be read.")


def create_app(
    store: Store, client: Client, *, settings: GatewaySettings = _DEFAULTS, shared: Cases | None = None
) -> FastAPI:
    """The gateway on *store* and the engine of *client*, which speaks pydantic's data converter.

    *shared* are the states of a worker in the same process, so that no event is read twice.
    """
    app = FastAPI(
        title="Hashi",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        dependencies=[Depends(admit), Depends(require_text)],
        exception_handlers={
            Problem: _on_problem,
            StoreUnreachable: _on_store,
            KeyMissing: _on_missing_key,
            HTTPException: _on_http,
            RequestValidationError: _on_validation,
        },
    )
    states = shared or Cases(store.ledger)
    engine = Engine(client, settings)
    trails = Trails(states, store.desk)
    asking = Asking(store, states, engine, trails)
    quota = Quota(store, settings.rate_limit, settings.rate_window)
    seeds = settings.token_seeds or tuple(store.seals.token_seeds)
    signing = Signing(settings.issuer, settings.audience or settings.issuer, seeds)
    issuers = Issuers(settings.issuers)
    tokens = Tokens(signing, issuers, store.clients, sender_checked=settings.sender_checked)
    providers = Issuers((settings.provider.issuer,) if settings.provider else ())
    app.state.gateway = Gateway(
        *(store, states, trails, asking, engine, settings, quota, signing, issuers, tokens),
        providers=providers,
        passwords=Passwords(),
    )
    for one in _AUDIENCES:
        app.include_router(one.router)
    app.add_middleware(Recorded)
    app.add_middleware(Traced)
    return app


async def _on_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    return problem.response(request.headers)


async def _on_store(request: Request, fault: Exception) -> Response:
    found = database_full() if isinstance(fault, StoreFull) else database_unavailable()
    return found.response(request.headers)


async def _on_missing_key(request: Request, fault: Exception) -> Response:
    log.error("key_missing", error=str(fault))
    return key_missing().response(request.headers)


async def _on_http(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    code, text = _BY_STATUS.get(fault.status_code, ("bad_request", _BAD))
    headers = {"Allow": _allowed(request)} if fault.status_code == 405 else fault.headers or {}
    return Problem(code, text, headers=headers).response(request.headers)


def _allowed(request: Request) -> str:
    """The methods of all routes at the address of *request*; the framework names those of the first alone."""
    routes = [route for one in _AUDIENCES for route in one.router.routes if isinstance(route, APIRoute)]
    matching = [one for one in routes if one.matches(request.scope)[0] is not Match.NONE]
    return ", ".join(sorted({method for one in matching for method in one.methods or ()}))


async def _on_validation(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError)
    faults = [Fault(str(one["loc"][-1]), sentence_of(one), in_query=True) for one in fault.errors()]
    return unfit(*faults).response(request.headers)
