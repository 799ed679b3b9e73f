"""The machine-readable contract: JSON Schemas of commands and of events, and the OpenAPI description of it all."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from domain.evidence import lender_view
from domain.examples import example_of
from domain.law import FACTS, RULES
from domain.reasons import Wording
from gateway.absences import AbsencesBody
from gateway.commands import NEED, OFFERED, OPEN, STREAMS, body_of
from gateway.dossiers import DOSSIER
from gateway.problems import MEDIA_TYPE, Problem
from gateway.registry import ContactBody, KeyBody, OrganizationBody, PersonBody
from gateway.titles import TITLES
from gateway.units import with_units
from gateway.views import answer

router: Final = APIRouter(tags=["contract"])
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_REF: Final = "#/components/schemas/{model}"
_BODIES: Final[dict[str, type[BaseModel]]] = {
    one.__name__: one for one in (AbsencesBody, ContactBody, OrganizationBody, PersonBody, KeyBody)
}
_STRING: Final = {"type": "string"}
_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": _STRING,
        "status": {"type": "integer"},
        "detail": _STRING,
        "code": {"type": "string", "enum": sorted(TITLES)},
        "instance": _STRING,
        "pointer": _STRING,
        "errors": {"type": "array", "items": {"type": "object"}},
        "facts": {"type": "object", "additionalProperties": _STRING},
    },
}
_RECEIPT: Final = {
    "type": "object",
    "required": ["case_id", "version", "stage", "status", "events"],
    "properties": {
        "case_id": _STRING,
        "version": {"type": "integer"},
        "stage": _STRING,
        "status": _STRING,
        "events": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "type", "version"],
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "type": _STRING,
                    "version": {"type": "integer"},
                },
            },
        },
    },
}


@router.get("/v1/schemas/commands/{name}")
async def command_schema(name: str) -> Response:
    """The JSON Schema of a command's body, with an example."""
    if name not in {*OFFERED, NEED, OPEN}:
        raise _unknown()
    return answer(schema_of_command(name))


@router.get("/v1/schemas/events/{name}/{version}")
async def event_schema(name: str, version: str) -> Response:
    """The JSON Schema of an event's data as readers see it: any field may be absent, `reason` may be there."""
    number = re.fullmatch(r"v([1-9][0-9]{0,5})", version)
    if number is None or name not in FACTS or int(number[1]) not in FACTS[name].versions:
        raise _unknown()
    return answer(schema_of_event(name, int(number[1])))


@router.get("/v1/openapi.json")
async def openapi(request: Request) -> Response:
    """This interface, in OpenAPI 3.1."""
    return answer(description(request.app))


@cache
def schema_of_command(name: str) -> dict[str, Any]:
    """The JSON Schema of the body of the command *name*, with its example."""
    told = with_units(body_of(name).model_json_schema())
    return {"$schema": _DIALECT, "$id": f"/v1/schemas/commands/{name}", **told, "examples": [_example(name)]}


@cache
def schema_of_event(name: str, version: int) -> dict[str, Any]:
    """The JSON Schema of the data of the event *name* as its readers see it.

    `x-stream` says where it happens, `x-commands` and `x-roles` by what and whom, `x-bank` and `x-lender` how much a
    referring bank and a lender with the company's consent see of it: full, summary or hidden.
    """
    fact = FACTS[name]
    told = with_units(fact.versions[version].model_json_schema(mode="serialization"))
    told.pop("required", None)
    told.pop("additionalProperties", None)
    reason = {"type": "object", "required": ["code"], "properties": {"code": _STRING, "text": _STRING}}
    told.setdefault("properties", {})["reason"] = reason
    return {
        "$schema": _DIALECT,
        "$id": f"/v1/schemas/events/{name}/v{version}",
        **told,
        "x-stream": fact.stream,
        "x-bank": fact.bank,
        "x-lender": lender_view(name),
        **(_happening(name) if version == fact.data.schema_version else {}),
    }


def _happening(name: str) -> dict[str, Any]:
    example = example_of(name)
    roles = sorted({role for command in example.commands for role in RULES[command].by})
    return {"x-commands": list(example.commands), "x-roles": roles, "examples": [example.data]}


def description(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 description of *app*, made once."""
    if not app.openapi_schema:
        told = get_openapi(title="Hashi", version="1", routes=app.routes, summary="Referral of technical needs")
        _add_schemas(told)
        for operation in [one for path in told["paths"].values() for one in path.values()]:
            _complete(operation)
        told["paths"] |= _command_paths()
        told["paths"]["/v1/cases"]["post"] = _operation(OPEN, 201)
        told["paths"]["/v1/cases/{case_id}/dossiers"] = {
            "parameters": [_parameter("case_id")],
            "post": {**_operation(DOSSIER, 201), "operationId": f"{DOSSIER}OfCase"},
        }
        told["security"] = [{"key": []}]
        app.openapi_schema = told
    return app.openapi_schema


def _add_schemas(told: dict[str, Any]) -> None:
    models = [*_BODIES.values(), *(body_of(name) for name in (NEED, OPEN, *OFFERED))]
    _, shared = models_json_schema([(one, "validation") for one in models], ref_template=_REF)
    parts = told.setdefault("components", {})
    own = {"Problem": _PROBLEM, "Receipt": _RECEIPT}
    parts["schemas"] = {**parts.get("schemas", {}), **shared["$defs"], **own}
    for unused in ("HTTPValidationError", "ValidationError"):
        parts["schemas"].pop(unused, None)
    parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}


def _complete(operation: dict[str, Any]) -> None:
    """Say of *operation* what the routes do not: its body, and that its refusals are problems."""
    body = operation.pop("x-body", None)
    if body:
        operation["requestBody"] = _json_body(body)
    operation["responses"].pop("422", None)
    operation["responses"]["default"] = _problem()


def _command_paths() -> dict[str, Any]:
    kinds = {stream: kind for kind, stream in STREAMS.items()}
    paths: dict[str, Any] = {"/v1/needs": {"post": _operation(NEED, 201)}}
    for name, rule in OFFERED.items():
        of = "case_id" if kinds[rule.stream] == "cases" else "entry_id"
        paths[f"/v1/{kinds[rule.stream]}/{{{of}}}/commands/{name}"] = {
            "parameters": [_parameter(of)],
            "post": _operation(name, 201 if rule.opens else 200),
        }
    return paths


def _parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": _STRING}


def _operation(name: str, status: int) -> dict[str, Any]:
    headers = [
        {"name": one, "in": "header", "required": False, "schema": _STRING} for one in ("Idempotency-Key", "If-Match")
    ]
    return {
        "tags": ["commands"],
        "operationId": name,
        "summary": RULES[name].data.__doc__,
        "parameters": headers,
        "requestBody": _json_body(f"{name}Command", _example(name)),
        "responses": {
            str(status): {
                "description": "The events it caused",
                "content": {"application/json": {"schema": {"$ref": _REF.format(model="Receipt")}}},
            },
            "default": _problem(),
        },
    }


def _json_body(model: str, example: Mapping[str, Any] | None = None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": _REF.format(model=model)}}
    if example is not None:
        content["example"] = example
    return {"required": True, "content": {"application/json": content}}


def _problem() -> dict[str, Any]:
    schema = {"$ref": _REF.format(model="Problem")}
    return {"description": "A problem (RFC 9457)", "content": {MEDIA_TYPE: {"schema": schema}}}


def _example(name: str) -> dict[str, Any]:
    return {"data": getattr(RULES[name].data, "example", {})}


def _unknown() -> Problem:
    return Problem("unknown_schema", Wording("このスキーマはありません。", "There is no such schema."))
