"""Who asks: an API key in the Authorization header, as the person it was issued to."""

from typing import Final

from starlette.requests import Request

from domain.envelope import Actor
from domain.reasons import Wording
from domain.refusals import Refusal
from domain.terms import Role
from gateway.parts import gateway_of
from gateway.problems import Problem, refused
from gateway.recorded import note_reader
from store.directory import Caller

_MISSING: Final = Wording("API キーがありません。", "There is no API key: send Authorization: Bearer hk_….")
_WRONG: Final = Wording("この API キーは使えません。", "This API key is not known, or has ended.")


async def caller_of(request: Request) -> Caller:
    """Who sent *request*. Raises Problem."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthenticated(_MISSING, "Bearer")
    caller = await gateway_of(request).store.directory.who(token.strip())
    if caller is None:
        raise _unauthenticated(_WRONG, 'Bearer error="invalid_token"')
    return caller


async def actor_of(request: Request) -> Actor:
    """The person who sent *request*, in their role, for the organization theirs goes on in. Raises Problem."""
    caller = await caller_of(request)
    person, org_id = caller.person, caller.organization.successor_id or caller.person.org_id
    actor = Actor(role=person.role, org_id=org_id, person=person.person_id)
    note_reader(request, actor)
    return actor


async def require_administrator(request: Request, what: str) -> None:
    """Let nobody but an administrator do *what*. Raises Problem."""
    role = (await caller_of(request)).person.role
    if role is not Role.administrator:
        raise refused(Refusal.of("not_permitted", role=role, command=what))


def _unauthenticated(text: Wording, challenge: str) -> Problem:
    return Problem("unauthenticated", text, headers={"WWW-Authenticate": challenge})
