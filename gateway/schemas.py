"""The machine-readable contract: JSON Schemas of commands and of events, and the OpenAPI description of it all."""

import re
from functools import cache
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from domain.evidence import lender_view
from domain.examples import example_of
from domain.law import FACTS, RULES
from domain.reasons import Wording
from gateway.commands import NEED, OFFERED, OPEN, body_of, example_body
from gateway.description import description
from gateway.problems import Problem
from gateway.units import with_units
from gateway.views import UNCHANGED, read

router: Final = APIRouter(tags=["contract"])
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_OPEN: Final = {"x-answer": "JsonSchema"}
_STRING: Final = {"type": "string"}


@router.get("/v1/schemas/commands/{name}", openapi_extra=_OPEN, responses=UNCHANGED)
async def command_schema(request: Request, name: str) -> Response:
    """The JSON Schema of a command's body, with an example."""
    if name not in {*OFFERED, NEED, OPEN}:
        raise _unknown()
    return read(request, schema_of_command(name))


@router.get("/v1/schemas/events/{name}/{version}", openapi_extra=_OPEN, responses=UNCHANGED)
async def event_schema(request: Request, name: str, version: str) -> Response:
    """The JSON Schema of an event's data as readers see it: any field may be absent, `reason` may be there."""
    number = re.fullmatch(r"v([1-9][0-9]{0,5})", version)
    if number is None or name not in FACTS or int(number[1]) not in FACTS[name].versions:
        raise _unknown()
    return read(request, schema_of_event(name, int(number[1])))


@router.get("/v1/openapi.json", openapi_extra={"x-answer": "OpenApi"}, responses=UNCHANGED)
async def openapi(request: Request) -> Response:
    """This interface, in OpenAPI 3.1."""
    return read(request, description(request.app))


@cache
def schema_of_command(name: str) -> dict[str, Any]:
    """The JSON Schema of the body of the command *name*, with its example."""
    told = with_units(body_of(name).model_json_schema())
    return {"$schema": _DIALECT, "$id": f"/v1/schemas/commands/{name}", **told, "examples": [example_body(name)]}


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


def _unknown() -> Problem:
    return Problem("unknown_schema", Wording("このスキーマはありません。", "There is no such schema."))
