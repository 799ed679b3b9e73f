"""How people get in: an administrator invites them to a local account, or binds them to an identity elsewhere."""

from datetime import timedelta
from typing import Any, Final

import psycopg.errors
import pyotp
import structlog
from fastapi import APIRouter, Request, Response
from pydantic import Field

from domain.cloud_events import instant
from domain.envelope import Person
from domain.reasons import Wording
from domain.records import Line, Record
from gateway.auth import require_administrator
from gateway.bodies import fitted
from gateway.cookies import require_own_page
from gateway.parts import Gateway, gateway_of
from gateway.passwords import LONGEST, require_strong
from gateway.problems import Fault, Problem, unfit
from gateway.registry import fit_id
from gateway.sessions import begun, time_step
from gateway.views import answer
from store.accounts import Invitation

router: Final = APIRouter(tags=["people"])
log = structlog.get_logger("gateway")
_NOBODY: Final = Wording("この利用者は登録されていません。", "There is no such person.")
_GONE: Final = Wording(
    "この招待は使えません。期限切れか、使用済みか、新しい招待に替わりました。管理者に招待し直してもらってください。",
    "This invitation was used, has ended, or a newer one took its place: ask your administrator to invite you anew.",
)
_WRONG_CODE: Final = Wording(
    "確認コードが違います。認証アプリに登録した鍵と、端末の時刻を確かめてください。",
    "This is not the code of the secret you were shown: look at the authenticator and at the clock of its device.",
)
_TAKEN: Final = Wording("この主体は別の人に結び付いています。", "This subject of this issuer is somebody else's.")


class InvitationBody(Record):
    """For how many hours the invitation is open."""

    hours: int = Field(72, ge=1, le=30 * 24)


class CodeBody(Record):
    """An invitation that is looked at."""

    invitation: str = Field(max_length=200)


class AcceptanceBody(Record):
    """A password, and the first code of the authenticator, which shows that it was set up."""

    invitation: str = Field(max_length=200)
    password: str = Field(max_length=4 * LONGEST)
    code: str = Field(pattern=r"^[0-9]{6}$")


class IdentityBody(Record):
    """Whom an OpenID Connect issuer calls a person."""

    issuer: Line
    subject: Line


class IdentitiesBody(Record):
    """All identities of a person, in place of those known."""

    identities: tuple[IdentityBody, ...] = Field((), max_length=10)


@router.post(
    "/v1/people/{person_id}/invitations",
    status_code=201,
    openapi_extra={"x-body": InvitationBody.__name__, "x-answer": "Invitation"},
)
async def invite(request: Request, person_id: str) -> Response:
    """Invite a person to set a password and a one-time code; what they had goes on until they did. Shown this once."""
    await require_administrator(request, "InvitePerson")
    gateway = gateway_of(request)
    body = await fitted(request, InvitationBody, gateway.settings.body_limit)
    open_for = timedelta(hours=body.hours)
    try:
        code, until = await gateway.store.accounts.invite(fit_id(person_id), pyotp.random_base32(), open_for)
    except psycopg.errors.ForeignKeyViolation as error:
        raise Problem("unknown_person", _NOBODY) from error
    log.info("person_invited")
    return answer({"person_id": person_id, "invitation": code, "expires_at": instant(until)}, 201)


@router.post("/v1/invitations/look", openapi_extra={"x-body": CodeBody.__name__, "x-answer": "Invited"})
async def look_at_invitation(request: Request) -> Response:
    """Whom an invitation is for, and the secret for their authenticator, also as the address a QR code holds."""
    gateway = gateway_of(request)
    require_own_page(request, gateway.signing.issuer)
    body = await fitted(request, CodeBody, gateway.settings.body_limit)
    invitation, person = await _invited(gateway, body.invitation)
    address = pyotp.TOTP(invitation.totp).provisioning_uri(name=person.person_id, issuer_name="Hashi")
    told = {"person_id": person.person_id, "name": person.name, "secret": invitation.totp, "address": address}
    return answer(told, headers={"Cache-Control": "no-store"})


@router.post(
    "/v1/invitations/accept",
    status_code=201,
    openapi_extra={"x-body": AcceptanceBody.__name__, "x-answer": "NewSession"},
)
async def accept_invitation(request: Request) -> Response:
    """Set the password and the one-time code, and sign in; all earlier sessions end."""
    gateway = gateway_of(request)
    require_own_page(request, gateway.signing.issuer)
    body = await fitted(request, AcceptanceBody, gateway.settings.body_limit)
    invitation, person = await _invited(gateway, body.invitation)
    require_strong(body.password, person.person_id, person.name)
    step = time_step(invitation.totp, body.code, invitation.now.timestamp())
    if step is None:
        raise unfit(Fault("/code", _WRONG_CODE))
    kept = await gateway.passwords.hashed(body.password)
    if not await gateway.store.accounts.accept(body.invitation, kept, step):
        raise Problem("unknown_invitation", _GONE)
    log.info("invitation_accepted")
    return await begun(gateway, person.person_id, "local")


@router.get("/v1/people/{person_id}/identities", openapi_extra={"x-answer": "Identities"})
async def list_identities(request: Request, person_id: str) -> Response:
    """The identities a person signs in with."""
    await require_administrator(request, "ListIdentities")
    found = await gateway_of(request).store.accounts.bound(fit_id(person_id))
    return answer({"items": [_told(*one) for one in found], "next": None})


@router.put(
    "/v1/people/{person_id}/identities",
    openapi_extra={"x-body": IdentitiesBody.__name__, "x-answer": "Identities"},
)
async def put_identities(request: Request, person_id: str) -> Response:
    """Bind a person to subjects of OpenID Connect issuers, and to no others."""
    await require_administrator(request, "PutIdentities")
    gateway = gateway_of(request)
    body = await fitted(request, IdentitiesBody, gateway.settings.body_limit)
    bound = sorted({(one.issuer, one.subject) for one in body.identities})
    try:
        await gateway.store.accounts.bind(fit_id(person_id), bound)
    except psycopg.errors.ForeignKeyViolation as error:
        raise Problem("unknown_person", _NOBODY) from error
    except psycopg.errors.UniqueViolation as error:
        raise Problem("subject_taken", _TAKEN) from error
    return answer({"items": [_told(*one) for one in bound], "next": None})


@router.delete("/v1/people/{person_id}/access", status_code=204)
async def shut_out(request: Request, person_id: str) -> Response:
    """End everything a person comes in by, at once: account, identities, sessions, keys and clients."""
    await require_administrator(request, "ShutOut")
    gateway = gateway_of(request)
    if await gateway.store.directory.person(fit_id(person_id)) is None:
        raise Problem("unknown_person", _NOBODY)
    await gateway.store.accounts.shut_out(person_id)
    log.info("person_shut_out")
    return Response(status_code=204)


async def _invited(gateway: Gateway, code: str) -> tuple[Invitation, Person]:
    """What *code* invites to, and whom. Raises Problem."""
    invitation = await gateway.store.accounts.invitation(code)
    person = await gateway.store.directory.person(invitation.person_id) if invitation else None
    if invitation is None or person is None:
        raise Problem("unknown_invitation", _GONE)
    return invitation, person


def _told(issuer: str, subject: str) -> dict[str, Any]:
    return {"issuer": issuer, "subject": subject}
