"""Who is who, registered by an administrator: organizations and people; and who one is oneself."""

from typing import Annotated, Final

import psycopg.errors
from fastapi import APIRouter, Query, Request, Response
from pydantic import TypeAdapter, ValidationError

from domain.envelope import Organization, Person
from domain.reasons import Wording
from domain.records import Code, CorporateNumber, Email, Key, Line, Rate, Record
from domain.terms import OrganizationKind, Role
from gateway.auth import caller_of, require_administrator
from gateway.bodies import fitted
from gateway.parts import gateway_of
from gateway.problems import Fault, Problem, unfit
from gateway.views import answer
from store.notices import Contact, MailMode

router: Final = APIRouter(tags=["registry"])
_KEY: Final = TypeAdapter[str](Key)
_NO_ID: Final = Wording("この ID は使えません。", "This can be no id.")
_NO_ORGANIZATION: Final = Wording("この機関は登録されていません。", "There is no such organization.")
_TAKEN: Final = Wording("この法人番号は別の機関に登録されています。", "Another organization has this corporate number.")
_SYSTEM: Final = Wording("system は人の役割ではありません。", "No person is the system.")


class OrganizationBody(Record):
    """An organization but for its id."""

    kind: OrganizationKind
    name: Line
    prefecture: Code | None = None
    country: Code = "jp"
    corporate_number: CorporateNumber | None = None
    indirect_rate: Rate | None = None
    payment_first: bool = True


class ContactBody(Record):
    """How a person is reached: by mail at once, once a business day, or not at all."""

    email: Email | None = None
    notices: MailMode = MailMode.immediately


class PersonBody(Record):
    """A person but for their id."""

    role: Role
    org_id: Key
    name: Line
    email: Email | None = None
    notices: MailMode | None = None


@router.get("/v1/me", openapi_extra={"x-answer": "Me"})
async def read_me(request: Request) -> Response:
    """Who the key stands for."""
    caller = await caller_of(request)
    person = caller.person
    return answer(
        {
            "person": {"person_id": person.person_id, "name": person.name},
            "role": person.role.value,
            "organization": caller.organization.model_dump(mode="json", exclude_none=True),
            "scopes": sorted(caller.scopes),
        }
    )


@router.put(
    "/v1/organizations/{org_id}", openapi_extra={"x-body": OrganizationBody.__name__, "x-answer": "Organization"}
)
async def put_organization(request: Request, org_id: str) -> Response:
    """Register an organization, or change it."""
    await require_administrator(request, "PutOrganization")
    gateway = gateway_of(request)
    body = await fitted(request, OrganizationBody, gateway.settings.body_limit)
    organization = Organization(org_id=fit_id(org_id), **body.model_dump())
    try:
        await gateway.store.directory.register_organization(organization)
    except psycopg.errors.UniqueViolation as error:
        raise Problem("corporate_number_taken", _TAKEN, pointer="/corporate_number") from error
    return answer(organization.model_dump(mode="json", exclude_none=True))


@router.put("/v1/people/{person_id}", openapi_extra={"x-body": PersonBody.__name__, "x-answer": "Person"})
async def put_person(request: Request, person_id: str) -> Response:
    """Register a person, or change them."""
    await require_administrator(request, "PutPerson")
    gateway = gateway_of(request)
    body = await fitted(request, PersonBody, gateway.settings.body_limit)
    if body.role is Role.system:
        raise unfit(Fault("/role", _SYSTEM))
    person = Person(person_id=fit_id(person_id), role=body.role, org_id=body.org_id, name=body.name)
    try:
        await gateway.store.directory.register_person(person)
    except psycopg.errors.ForeignKeyViolation as error:
        raise unfit(Fault("/org_id", _NO_ORGANIZATION)) from error
    if body.email is not None or body.notices is not None:
        known = await gateway.store.notices.contact(person.person_id)
        contact = Contact(body.email or known.email, body.notices or known.mode)
        await gateway.store.notices.set_contact(person.person_id, contact)
    return answer(person.model_dump(mode="json"))


@router.get("/v1/organizations", openapi_extra={"x-answer": "Organizations"})
async def list_organizations(
    request: Request,
    after: Annotated[str, Query(max_length=128)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
) -> Response:
    """The organizations by id; `next` goes into `after`."""
    await require_administrator(request, "ListOrganizations")
    found = await gateway_of(request).store.directory.organizations(after=after, limit=limit + 1)
    items = [one.model_dump(mode="json", exclude_none=True) for one in found[:limit]]
    return answer({"items": items, "next": found[limit - 1].org_id if len(found) > limit else None})


@router.get("/v1/people", openapi_extra={"x-answer": "People"})
async def list_people(
    request: Request,
    org_id: Annotated[str | None, Query(max_length=128)] = None,
    after: Annotated[str, Query(max_length=128)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
) -> Response:
    """The people by id, all or those of one organization; `next` goes into `after`."""
    await require_administrator(request, "ListPeople")
    found = await gateway_of(request).store.directory.people(org_id, after=after, limit=limit + 1)
    items = [one.model_dump(mode="json") for one in found[:limit]]
    return answer({"items": items, "next": found[limit - 1].person_id if len(found) > limit else None})


def fit_id(told: str) -> str:
    """*told*, if it can be an id. Raises Problem."""
    try:
        return _KEY.validate_python(told)
    except ValidationError as error:
        raise unfit(Fault("id", _NO_ID, in_query=True)) from error
