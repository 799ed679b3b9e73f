"""The OpenAPI 3.1 description of the interface: what the routes say, the commands out of the law, links between them.

Links lead from what an answer names to every operation on it, so that a program can walk the interface by itself.
`docs/openapi.json` is this description as it was last accepted; `make openapi` writes it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from domain.law import RULES
from domain.scopes import Scope
from domain.streams import CASE
from gateway.absences import AbsencesBody
from gateway.accounts import AcceptanceBody, CodeBody, IdentitiesBody, InvitationBody
from gateway.clients import ClientBody, ClientKeysBody
from gateway.commands import NEED, OFFERED, OPEN, STREAMS, body_of, example_body
from gateway.conditions import ETAGS_PATTERN, KEY_PATTERN
from gateway.cookies import SESSION
from gateway.dossiers import DOSSIER
from gateway.endpoints import EndpointBody, ReplayBody, SecretBody
from gateway.keys import KeyBody, RotationBody
from gateway.oauth import TOKENS
from gateway.problems import MEDIA_TYPE
from gateway.registry import ContactBody, OrganizationBody, PersonBody
from gateway.scopes import scope_names
from gateway.sessions import SignInBody
from gateway.shapes import SHAPES, Schema, ref

_BODIES: Final[Mapping[str, type[BaseModel]]] = {
    one.__name__: one
    for one in (
        *(AbsencesBody, ContactBody, OrganizationBody, PersonBody, KeyBody, RotationBody),
        *(EndpointBody, ReplayBody, SecretBody),
        *(AcceptanceBody, CodeBody, IdentitiesBody, InvitationBody, SignInBody, ClientBody, ClientKeysBody),
    )
}
_KINDS: Final = {stream: kind for kind, stream in STREAMS.items()}
_DOSSIER_OF_CASE: Final = f"{DOSSIER}OfCase"
_SCHEMES: Final[Mapping[str, Schema]] = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key `hk_…`."},
    "session": {"type": "apiKey", "in": "cookie", "name": SESSION, "description": "A signed-in browser."},
    "oauth": {
        "type": "oauth2",
        "description": "Client credentials with private_key_jwt (RFC 7523), here or at an issuer that is trusted.",
        "flows": {
            "clientCredentials": {
                "tokenUrl": TOKENS,
                "scopes": {one.value: "" for one in Scope if one is not Scope.all},
            }
        },
    },
}
_FASTAPIS: Final = frozenset({"HTTPValidationError", "ValidationError"})
_ABOUT: Final = (
    "A bank refers a client's technical need and follows its case; people act by commands, readers see what concerns "
    "them. Every error is a problem (RFC 9457) whose type has a page. A command may be repeated with the same "
    "Idempotency-Key and gets the same answer, a need also with the same bank_reference, for ever."
)


def _header(text: str, **schema: Any) -> Schema:
    return {"description": text, "schema": {"type": "string", **schema}}


_HEADERS: Final[Mapping[str, Schema]] = {
    "ETag": _header("The version of what was answered, for If-Match and If-None-Match."),
    "Location": _header("Where the new thing is read.", format="uri-reference"),
    "Link": _header('The next page, with rel="next".'),
    "Idempotency-Replayed": _header("This was answered before.", const="true"),
    "RateLimit-Policy": _header('What a key may ask: `"requests";q=1200;w=60` is 1200 requests in 60 seconds.'),
    "RateLimit": _header('What is left: `"requests";r=50;t=30` is 50 requests in the next 30 seconds.'),
    "Retry-After": {"description": "Seconds to wait before the same is sent again.", "schema": {"type": "integer"}},
    "X-Request-Id": _header("Names this request in our logs; one's own is kept."),
}


def _parameter(name: str, place: str, text: str, **schema: Any) -> Schema:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": text,
        "schema": {"type": "string", **schema},
    }


_PARAMETERS: Final[Mapping[str, Schema]] = {
    "Idempotency-Key": _parameter(
        "Idempotency-Key",
        "header",
        'A structured-field String such as "8e03978e-40d5-43e8", also taken without quotes. It counts within the '
        "sender and the case, for ever; the same key with another body is refused.",
        pattern=f"^(?:{KEY_PATTERN})$",
    ),
    "If-Match": _parameter(
        "If-Match", "header", "The command is meant for one of these versions only.", pattern=f"^(?:{ETAGS_PATTERN})$"
    ),
    "If-None-Match": _parameter("If-None-Match", "header", "304 when it is still this version."),
}


def description(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 description of *app*, made once."""
    if not app.openapi_schema:
        told = get_openapi(title="Hashi", version="1", routes=app.routes, description=_ABOUT)
        for operation in _operations(told):
            _complete(operation)
        paths: dict[str, Any] = {**told["paths"], **_command_paths()}
        paths["/v1/cases"]["post"] = _command(OPEN, 201)
        paths["/v1/cases/{case_id}/dossiers"]["post"] = {
            **_command(DOSSIER, 201, of="case_id"),
            "operationId": _DOSSIER_OF_CASE,
        }
        told["paths"] = {path: paths[path] for path in sorted(paths)}
        told["components"] = _components(told["components"]["schemas"])
        told["components"]["links"] = _linked(told)
        for path, operations in told["paths"].items():
            _secure(path, operations)
        app.openapi_schema = told
    return app.openapi_schema


def _secure(path: str, operations: Mapping[str, Schema]) -> None:
    """Say of the *operations* at *path* what they need to come with."""
    for method, operation in operations.items():
        scopes = scope_names(f"{method.upper()} {path}")
        operation["security"] = [] if scopes is None else [{name: scopes} for name in _SCHEMES]


def _operations(told: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    return (one for path in told["paths"].values() for one in path.values())


def _components(of_routes: Mapping[str, Any]) -> dict[str, Any]:
    models = [*_BODIES.values(), *(body_of(name) for name in (NEED, OPEN, *OFFERED))]
    _, shared = models_json_schema([(one, "validation") for one in models], ref_template="#/components/schemas/{model}")
    schemas = {**of_routes, **shared["$defs"], **SHAPES}
    return {
        "schemas": {name: schemas[name] for name in sorted(schemas) if name not in _FASTAPIS},
        "parameters": dict(_PARAMETERS),
        "headers": dict(_HEADERS),
        "responses": {
            "Refused": _problem("Refused, or not understood: nothing happened. `code` says why"),
            "Failed": _problem("A fault or an outage of ours: send the same again, with the same Idempotency-Key"),
            "CaseChanged": _caused("Receipt"),
            "EntryChanged": _caused("EntryReceipt"),
        },
        "securitySchemes": dict(_SCHEMES),
    }


def _problem(text: str) -> Schema:
    headers = _told("RateLimit-Policy", "RateLimit", "Retry-After", "X-Request-Id")
    return {"description": text, "headers": headers, "content": {MEDIA_TYPE: {"schema": ref("Problem")}}}


def _caused(shape: str, *headers: str) -> Schema:
    told = _told("ETag", "Idempotency-Replayed", "RateLimit-Policy", "RateLimit", "X-Request-Id", *headers)
    return {
        "description": "The events it caused",
        "headers": told,
        "content": {"application/json": {"schema": ref(shape)}},
    }


def _told(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


_PROBLEMS: Final[Mapping[str, Schema]] = {
    "4XX": {"$ref": "#/components/responses/Refused"},
    "5XX": {"$ref": "#/components/responses/Failed"},
}


def _complete(operation: dict[str, Any]) -> None:
    """Say of *operation* what its route cannot: its body, its answer, and that what is refused is a problem."""
    body, shape, media = (operation.pop(name, None) for name in ("x-body", "x-answer", "x-content"))
    if body:
        operation["requestBody"] = _json_body(body)
    operation["responses"].pop("422", None)
    for status, response in operation["responses"].items():
        if status.startswith("2") and status != "204":
            content = {media: {}} if media else {"application/json": {"schema": ref(shape)} if shape else {}}
            response |= {"description": "Done", "content": content}
        response.setdefault("headers", {}).update(_told("X-Request-Id"))
    if "304" in operation["responses"]:
        operation.setdefault("parameters", []).append(_shared("If-None-Match"))
    operation["responses"] |= _PROBLEMS


def _shared(name: str) -> Schema:
    return {"$ref": f"#/components/parameters/{name}"}


def _command_paths() -> dict[str, Any]:
    paths: dict[str, Any] = {"/v1/needs": {"post": _command(NEED, 201)}}
    for name, rule in OFFERED.items():
        of = "case_id" if rule.stream == CASE else "entry_id"
        path = f"/v1/{_KINDS[rule.stream]}/{{{of}}}/commands/{name}"
        paths[path] = {"post": _command(name, 201 if rule.opens else 200, of=of)}
    return paths


def _command(name: str, status: int, *, of: str | None = None) -> dict[str, Any]:
    in_case = RULES[name].stream == CASE
    done = {"$ref": f"#/components/responses/{'CaseChanged' if in_case else 'EntryChanged'}"}
    return {
        "tags": ["commands"],
        "operationId": name,
        "summary": RULES[name].data.__doc__,
        "parameters": [
            *([_parameter(of, "path", "Whom it is sent to.")] if of else []),
            _shared("Idempotency-Key"),
            _shared("If-Match"),
        ],
        "requestBody": _json_body(f"{name}Command", example_body(name)),
        "responses": {
            str(status): _caused("Receipt" if in_case else "EntryReceipt", "Location") if status == 201 else done,
            **_PROBLEMS,
        },
    }


def _json_body(model: str, example: Mapping[str, Any] | None = None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": ref(model)}
    if example is not None:
        content["example"] = example
    return {"required": True, "content": {"application/json": content}}


_CASE: Final = "$response.body#/case_id"
_ENTRY: Final = "$response.body#/id"
_FIRST: Final = "$response.body#/items/0/"
_NAMES: Final[Mapping[str, tuple[str, str, str]]] = {
    NEED: ("case_id", "OfCase", _CASE),
    OPEN: ("case_id", "OfCase", _CASE),
    "list_cases": ("case_id", "OfFirst", f"{_FIRST}case_id"),
    "list_events": ("event_id", "OfFirst", f"{_FIRST}id"),
    "keep_document": ("document_id", "Kept", "$response.body#/document_id"),
    "check_batch": ("batch_id", "OfChecked", "$response.body#/batch_id"),
    "put_person": ("person_id", "OfPerson", "$response.body#/person_id"),
    _DOSSIER_OF_CASE: ("dossier_id", "Asked", _ENTRY),
}
"""What the answers of an operation name: the parameter it is elsewhere, how such links are called, where it stands."""


def _linked(told: Mapping[str, Any]) -> dict[str, Any]:
    """Give the operations of *told* their links; the links."""
    found: dict[str, Any] = {}
    for operation in list(_operations(told)):
        name, links = operation["operationId"], {}
        for target, ending, parameter, place in _onward(told, name):
            links[target] = {"$ref": f"#/components/links/{target}{ending}"}
            found[f"{target}{ending}"] = {"operationId": target, "parameters": {parameter: place}}
        if links:
            [status] = [one for one in operation["responses"] if one.startswith("2")]
            operation["responses"][status]["links"] = links
    return found


def _onward(told: Mapping[str, Any], name: str) -> Iterable[tuple[str, str, str, str]]:
    """Where the answer of the operation *name* leads: target, ending of the link, parameter, where that stands."""
    if name in _NAMES:
        parameter, ending, place = _NAMES[name]
        for target in _operations_on(told, parameter, only_read=name.startswith("list_")):
            yield target, ending, parameter, place
    rule = OFFERED.get(name)
    if rule and rule.stream != CASE and rule.opens:
        for target, one in OFFERED.items():
            if one.stream == rule.stream and target != name:
                yield target, "OfEntry", "entry_id", _ENTRY


def _operations_on(told: Mapping[str, Any], parameter: str, *, only_read: bool) -> list[str]:
    """The operations whose address has *parameter*."""
    return [
        operation["operationId"]
        for path, operations in told["paths"].items()
        for method, operation in operations.items()
        if f"{{{parameter}}}" in path and (method == "get" or not only_read)
    ]
