"""People at a browser sign in with password and one-time code, and see and end their sessions."""

import secrets
from typing import Annotated, Any, Final

import pyotp
import structlog
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from pyotp.exceptions import OTPVerificationError

from domain.cloud_events import instant
from domain.reasons import Wording
from domain.records import Line, Record
from domain.terms import Role
from gateway.auth import caller_of, require_administrator
from gateway.bodies import fitted
from gateway.cookies import DEVICE, SESSION, YEAR, csrf_token, put_cookie, require_own_page, sealed, unsealed
from gateway.parts import Gateway, gateway_of
from gateway.passwords import LONGEST
from gateway.problems import Problem
from gateway.registry import fit_id
from gateway.views import answer
from store.accounts import Account
from store.sessions import LONGEST as LASTS
from store.sessions import Session

router: Final = APIRouter(tags=["sessions"])
log = structlog.get_logger("gateway")
_FAILED: Final = Wording(
    "ID・パスワード・確認コードのいずれかが違います。確認コードは一度しか使えません。次のコードで試してください。",
    "Id, password or code is wrong. A code works once: wait for the next one. Your administrator can invite you anew.",
)
_UNKNOWN: Final = Wording("このセッションはないか、既に終わっています。", "There is no such session, or it has ended.")
_NO_SESSION: Final = Wording(
    "ブラウザーのセッションではありません。", "You came with a key or a token, not in a session of a browser."
)


class SignInBody(Record):
    """What somebody proves themselves with."""

    person_id: Line = Field(max_length=128)
    password: str = Field(max_length=4 * LONGEST)
    code: str = Field(pattern=r"^[0-9]{6}$")


@router.post("/v1/sessions", status_code=201, openapi_extra={"x-body": SignInBody.__name__, "x-answer": "NewSession"})
async def sign_in(request: Request) -> Response:
    """Sign in with password and one-time code; the session is a cookie. Wrong attempts wait longer each time."""
    gateway = gateway_of(request)
    require_own_page(request, gateway.signing.issuer)
    body = await fitted(request, SignInBody, gateway.settings.body_limit)
    device = _device(request, gateway, body.person_id)
    wait = await gateway.store.pauses.attempt(body.person_id, device)
    if wait:
        log.warning("sign_in_paused")
        raise _paused(wait)
    account = await _proven(gateway, body)
    if account is None:
        log.warning("sign_in_failed")
        raise Problem("sign_in_failed", _FAILED)
    await gateway.store.pauses.succeeded(body.person_id, device)
    return await begun(gateway, account.person_id, "local", device)


async def begun(gateway: Gateway, person_id: str, method: str, device: str = "") -> Response:
    """The answer to somebody who is known to be *person_id*: a session, and that this device is one of theirs."""
    word, until = await gateway.store.sessions.begin(person_id, method)
    log.info("signed_in", session_id=word.partition(".")[0], outcome=method)
    told = {"session_id": word.partition(".")[0], "person_id": person_id, "csrf_token": csrf_token(word)}
    response = answer({**told, "expires_at": instant(until)}, 201, {"Cache-Control": "no-store"})
    put_cookie(response, SESSION, word, int(LASTS.total_seconds()))
    known = {"person_id": person_id, "device": device or secrets.token_hex(8)}
    put_cookie(response, DEVICE, sealed(gateway.store.seals, known, "device"), YEAR)
    return response


@router.get("/v1/sessions/current", openapi_extra={"x-answer": "CurrentSession"})
async def read_session(request: Request) -> Response:
    """The session this request came in, and the token that a change in it needs as X-CSRF-Token."""
    caller, word = await caller_of(request), request.cookies.get(SESSION)
    if word is None or caller.ends_at is None:
        raise Problem("unknown_session", _NO_SESSION)
    told = {"session_id": caller.key_id, "person_id": caller.person.person_id, "csrf_token": csrf_token(word)}
    return answer({**told, "expires_at": instant(caller.ends_at)}, headers={"Cache-Control": "no-store"})


@router.get("/v1/sessions", openapi_extra={"x-answer": "Sessions"})
async def list_sessions(request: Request, person_id: Annotated[str | None, Query(max_length=128)] = None) -> Response:
    """The sessions that go on: one's own, for an administrator anybody's."""
    person = (await caller_of(request)).person
    if person_id not in {None, person.person_id}:
        await require_administrator(request, "ListSessions")
    found = await gateway_of(request).store.sessions.listed(person_id or person.person_id)
    return answer({"items": [_told(one) for one in found], "next": None})


@router.delete("/v1/sessions/{session_id}", status_code=204)
async def end_session(request: Request, session_id: str) -> Response:
    """Sign out: `current`, another of one's own sessions, or for an administrator anybody's."""
    caller, sessions = await caller_of(request), gateway_of(request).store.sessions
    is_own = session_id in {"current", caller.key_id}
    named = caller.key_id if is_own else fit_id(session_id)
    whose = None if caller.person.role is Role.administrator else caller.person.person_id
    if not await sessions.end(named, whose):
        raise Problem("unknown_session", _UNKNOWN)
    log.info("signed_out", session_id=named)
    response = Response(status_code=204)
    if is_own:
        put_cookie(response, SESSION, "", 0)
    return response


def time_step(totp: str, code: str, now: float) -> int | None:
    """The step of time whose *code* this is, now or one step aside; None for a wrong one."""
    try:
        return pyotp.TOTP(totp).verify_and_get_timecode(code, for_time=now, valid_window=1)
    except OTPVerificationError:
        return None


async def _proven(gateway: Gateway, body: SignInBody) -> Account | None:
    """The account whose password and unused code *body* holds; None, after the same work, for anything else."""
    account = await gateway.store.accounts.find(body.person_id)
    fits = await gateway.passwords.fits(account.password_hash if account else None, body.password)
    if account is None or not fits:
        return None
    step = time_step(account.totp, body.code, (await gateway.store.clock.now()).timestamp())
    if step is None or not await gateway.store.accounts.use_step(account.person_id, step):
        return None
    if gateway.passwords.is_old(account.password_hash):
        await gateway.store.accounts.rehash(account, await gateway.passwords.hashed(body.password))
    return account


def _device(request: Request, gateway: Gateway, person_id: str) -> str:
    """The device *request* comes from, if *person_id* signed in there before; empty otherwise."""
    told = unsealed(gateway.store.seals, request.cookies.get(DEVICE), "device")
    return str(told["device"]) if told and told.get("person_id") == person_id else ""


def _paused(seconds: int) -> Problem:
    text = Wording(
        f"試行が続いたため、{seconds}秒後にもう一度お試しください。管理者は招待し直すことができます。",
        f"There were many attempts: try again in {seconds} seconds, or ask your administrator to invite you anew.",
    )
    return Problem("sign_in_paused", text, headers={"Retry-After": str(seconds)})


def _told(session: Session) -> dict[str, Any]:
    times = {name: instant(getattr(session, name)) for name in ("created_at", "last_used_at", "expires_at")}
    told = {"session_id": session.session_id, "person_id": session.person_id, "method": session.method}
    return {**told, **times}
