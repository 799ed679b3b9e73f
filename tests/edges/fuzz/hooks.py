"""How schemathesis calls the gateway: in the name of whom an operation is for; and what every refusal must be."""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import schemathesis

KEYS: dict[str, str] = json.loads(os.environ["HASHI_FUZZ_KEYS"])
PROBLEM = json.loads((Path(__file__).parents[3] / "docs" / "openapi.json").read_text("utf-8"))
SENDERS = (
    ("/v1/needs", "sato"),
    ("/v1/audit/checkpoint", "endo"),
    ("/v1/audit", "noda"),
    ("/v1/people", "admin"),
    ("/v1/organizations", "admin"),
    ("/v1/keys", "admin"),
    ("/v1/companies", "doi"),
    ("/v1/institutions", "ueno"),
    ("/v1/researchers", "ueno"),
    ("/v1/seeds", "hara"),
    ("/v1/dossiers", "endo"),
    ("/v1/feed", "endo"),
    ("/v1/clients", "admin"),
)


CREDENTIALS = ("/v1/oauth/token", "/v1/sessions", "/v1/accounts")
"""Where who one is stands in the body, and what fits the schema may be nobody's."""


def sender_of(path: str) -> str:
    """Whom the operation at *path* is for; most are for a coordinator."""
    return next((person for start, person in SENDERS if path.startswith(start)), "tanaka")


@schemathesis.auth(cache_by_key=lambda case, _: sender_of(case.operation.path))
class Key:
    """The API key of whoever an operation is for."""

    def get(self, case: schemathesis.Case, _: schemathesis.AuthContext) -> str:
        """The key."""
        return KEYS[sender_of(case.operation.path)]

    def set(self, case: schemathesis.Case, data: str, _: schemathesis.AuthContext) -> None:
        """Send it along."""
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(_: Any, case: schemathesis.Case, __: Any) -> None:
    """Let the keys in use live: what it finds in a list it would end, rotate, or shut out."""
    if str(case.path_parameters.get("key_id", "")) in {key.split("_")[1] for key in KEYS.values()}:
        case.path_parameters["key_id"] = "0" * 16
    if case.operation.path.endswith("/access") and case.path_parameters.get("person_id") in KEYS:
        case.path_parameters["person_id"] = "nobody-here"


@schemathesis.check
def refusals_are_known_problems(_: Any, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """Every 4xx and 5xx is a problem with a known type whose status is the real one."""
    if response.status_code < 400 or case.operation.path == "/readyz":
        return
    assert response.status_code != 401 or case.operation.path.startswith(CREDENTIALS), case.operation.label
    assert response.headers["content-type"] == ["application/problem+json"], response.headers
    told = response.json()
    jsonschema.validate(told, PROBLEM["components"]["schemas"]["Problem"])
    assert told["type"] == f"/problems/{told['code']}"
    assert told["status"] == response.status_code
