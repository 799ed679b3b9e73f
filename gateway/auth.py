"""Who asks: by an API key or an access token in the Authorization header, or in a session that a cookie names."""

from typing import Final

import structlog
from starlette.requests import Request

from domain.envelope import Actor
from domain.reasons import Wording
from domain.refusals import Refusal
from domain.scopes import Scope
from domain.terms import Role
from domain.visibility import row_keys
from gateway.cookies import CSRF, SESSION, require_own_page
from gateway.keysets import IssuerUnreachable
from gateway.parts import Gateway, gateway_of
from gateway.problems import Problem, refused
from gateway.recorded import note_reader
from gateway.scopes import ANYBODY, NEEDED
from gateway.tokens import TokenUnfit
from gateway.trace import note_headers
from store.keys import Caller
from store.pool import read_on_as

log = structlog.get_logger("gateway")
_CALLER: Final = "caller"
_KEY: Final = "hk_"
_DOTS: Final = 2
"""Dots in a signed JWT."""
_MISSING: Final = Wording("API キーがありません。", "There is no API key: send Authorization: Bearer hk_….")
_WRONG: Final = Wording(
    "この API キーは使えません。失効したか、取り消されています。管理者に新しいキーを求めてください。",
    "This API key is not known, has expired or was revoked: ask your administrator for a new one.",
)
_SILENT: Final = Wording(
    "認可サーバーが鍵を返しません。しばらくして再送してください。",
    "The authorization server does not tell its keys; send the same again in a while.",
)
_ENDED: Final = Wording(
    "セッションが終わりました。サインインし直してください。", "The session has ended: sign in again."
)
_CLOSED: Final = Wording("この操作はまだ誰にも許可されていません。", "Nobody was given leave to do this yet.")


async def admit(request: Request) -> None:
    """Let *request* through to its route if whoever sent it came with what that needs. Raises Problem.

    It stands before every route; one that `gateway.scopes` does not know is closed.
    """
    operation = f"{request.method.replace('HEAD', 'GET')} {request.scope['route'].path}"
    needed = NEEDED.get(operation, Scope.all)
    if needed is ANYBODY:
        return
    caller = await _identified(request)
    standing = await gateway_of(request).quota.take(caller.key_id)
    note_headers(request, standing.headers if standing else {})
    if operation not in NEEDED:
        raise Problem("insufficient_scope", _CLOSED)
    if isinstance(needed, Scope) and not caller.may(needed):
        text = Wording(
            f"このキーの範囲では行えません。必要な範囲: {needed.value}",
            f"What you came with is not for this: it needs the scope {needed.value}.",
        )
        challenge = f'Bearer error="insufficient_scope", scope="{needed.value}"'
        raise Problem("insufficient_scope", text, headers={"WWW-Authenticate": challenge})
    setattr(request.state, _CALLER, caller)


async def caller_of(request: Request) -> Caller:
    """Who sent *request*, which `admit` let through."""
    caller: Caller = getattr(request.state, _CALLER)
    return caller


async def actor_of(request: Request) -> Actor:
    """The person who sent *request*, in their role, for the organization theirs goes on in.

    From here on, what is shown in answer to *request* is read with this person's rights in the database.
    """
    caller = await caller_of(request)
    person, org_id = caller.person, caller.organization.successor_id or caller.person.org_id
    actor = Actor(role=person.role, org_id=org_id, person=person.person_id)
    note_reader(request, actor)
    read_on_as(row_keys(actor))
    return actor


async def require_administrator(request: Request, what: str) -> None:
    """Let nobody but an administrator do *what*. Raises Problem."""
    role = (await caller_of(request)).person.role
    if role is not Role.administrator:
        raise refused(Refusal.of("not_permitted", role=role, command=what))


async def _identified(request: Request) -> Caller:
    word = request.cookies.get(SESSION)
    if word and "authorization" not in request.headers:
        return await _in_session(request, word)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthenticated(_MISSING, "Bearer")
    gateway, token = gateway_of(request), token.strip()
    if not token.startswith(_KEY) and token.count(".") == _DOTS:
        return await _by_token(gateway, token)
    caller = await gateway.store.keys.who(token)
    if caller is None:
        raise _unauthenticated(_WRONG, 'Bearer error="invalid_token"')
    return caller


async def _in_session(request: Request, word: str) -> Caller:
    gateway = gateway_of(request)
    caller = await gateway.store.sessions.who(word)
    if caller is None:
        raise _unauthenticated(_ENDED, "Bearer")
    require_own_page(request, gateway.signing.issuer, word, request.headers.get(CSRF))
    return caller


async def _by_token(gateway: Gateway, token: str) -> Caller:
    try:
        return await gateway.tokens.who(token)
    except TokenUnfit as error:
        log.info("token_refused", error=type(error).__name__)
        text = Wording(f"このアクセストークンは使えません: {error}", f"This access token is of no use here: {error}.")
        raise _unauthenticated(text, 'Bearer error="invalid_token"') from error
    except IssuerUnreachable as error:
        raise Problem("issuer_unreachable", _SILENT, headers={"Retry-After": "15"}) from error


def _unauthenticated(text: Wording, challenge: str) -> Problem:
    return Problem("unauthenticated", text, headers={"WWW-Authenticate": challenge})
