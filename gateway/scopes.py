"""What a request needs to come with: an entry for every route, and a route without one is closed to everybody.

A scope narrows what a key, token or session is for. Who may then do it, and to what, the law and the routes say.
"""

import re
from collections.abc import Mapping
from typing import Final

from domain.scopes import Scope

ANYBODY: Final = None
"""Nobody is asked who they are."""
_COMMANDS: Final = "POST /v1/{kind}/{entry_id}/commands/{name}"
OWN: Final = "own"
"""Whoever comes with anything valid: about themselves."""

NEEDED: Final[Mapping[str, Scope | str | None]] = {
    "GET /livez": ANYBODY,
    "GET /readyz": ANYBODY,
    "GET /v1/openapi.json": ANYBODY,
    "GET /problems": ANYBODY,
    "GET /problems/{code}": ANYBODY,
    "GET /v1/schemas/commands/{name}": ANYBODY,
    "GET /v1/schemas/events/{name}/{version}": ANYBODY,
    "POST /v1/needs": Scope.needs_write,
    "POST /v1/documents": Scope.needs_write,
    "POST /v1/intake-batches": Scope.needs_write,
    "GET /v1/intake-batches/template.csv": OWN,
    "GET /v1/intake-batches/template.xlsx": OWN,
    "GET /v1/intake-batches/{batch_id}": Scope.needs_write,
    "GET /v1/intake-batches/{batch_id}/rows": Scope.needs_write,
    "GET /v1/intake-batches/{batch_id}/report.csv": Scope.needs_write,
    "POST /v1/intake-batches/{batch_id}/commit": Scope.needs_write,
    "POST /v1/intake-batches/{batch_id}/cancel": Scope.needs_write,
    "GET /v1/documents/{document_id}": Scope.cases_read,
    "GET /v1/cases": Scope.cases_read,
    "GET /v1/cases/{case_id}": Scope.cases_read,
    "GET /v1/cases/{case_id}/events": Scope.cases_read,
    "GET /v1/cases/{case_id}/disclosures": Scope.cases_read,
    "GET /v1/dossiers/{dossier_id}": Scope.cases_read,
    "GET /v1/cases/{case_id}/dossier": Scope.cases_read,
    "GET /v1/cases/{case_id}/dossiers": Scope.cases_read,
    "POST /v1/cases": Scope.cases_write,
    "POST /v1/cases/{case_id}/dossiers": Scope.cases_write,
    _COMMANDS: Scope.cases_write,
    "GET /v1/feed": Scope.feed_read,
    "GET /v1/feed/stream": Scope.feed_read,
    "GET /v1/feed/events/{event_id}": Scope.feed_read,
    "GET /v1/feed/endpoints": Scope.feed_read,
    "GET /v1/feed/endpoints/{endpoint_id}": Scope.feed_read,
    "GET /v1/feed/endpoints/{endpoint_id}/deliveries": Scope.feed_read,
    "POST /v1/feed/endpoints": Scope.feed_write,
    "POST /v1/feed/endpoints/{endpoint_id}/replay": Scope.feed_write,
    "POST /v1/feed/endpoints/{endpoint_id}/rotate": Scope.feed_write,
    "DELETE /v1/feed/endpoints/{endpoint_id}": Scope.feed_write,
    "GET /v1/audit/checkpoint": Scope.audit_read,
    "GET /v1/audit/proof/{event_id}": Scope.audit_read,
    "GET /v1/audit/consistency": Scope.audit_read,
    "GET /v1/me": OWN,
    "PUT /v1/me/contact": OWN,
    "GET /v1/notices": Scope.people_read,
    "GET /v1/notices/undelivered": Scope.people_read,
    "GET /v1/people/{person_id}/absences": Scope.people_read,
    "GET /v1/workload": Scope.people_read,
    "PUT /v1/people/{person_id}/absences": Scope.people_write,
    "GET /v1/organizations": Scope.people_read,
    "PUT /v1/organizations/{org_id}": Scope.people_write,
    "GET /v1/people": Scope.people_read,
    "PUT /v1/people/{person_id}": Scope.people_write,
    "GET /v1/keys": OWN,
    "POST /v1/people/{person_id}/keys": Scope.people_write,
    "POST /v1/keys/{key_id}/rotate": Scope.people_write,
    "DELETE /v1/keys/{key_id}": OWN,
    "GET /v1/clients": Scope.people_read,
    "POST /v1/people/{person_id}/clients": Scope.people_write,
    "PUT /v1/clients/{client_id}/keys": Scope.people_write,
    "DELETE /v1/clients/{client_id}": Scope.people_write,
    "POST /v1/oauth/token": ANYBODY,
    "GET /.well-known/jwks.json": ANYBODY,
    "GET /.well-known/oauth-authorization-server": ANYBODY,
    "POST /v1/sessions": ANYBODY,
    "GET /v1/sessions": OWN,
    "GET /v1/sessions/current": OWN,
    "DELETE /v1/sessions/{session_id}": OWN,
    "GET /v1/sign-in/oidc": ANYBODY,
    "GET /v1/sign-in/oidc/callback": ANYBODY,
    "POST /v1/people/{person_id}/invitations": Scope.people_write,
    "POST /v1/invitations/look": ANYBODY,
    "POST /v1/invitations/accept": ANYBODY,
    "GET /v1/people/{person_id}/identities": Scope.people_read,
    "PUT /v1/people/{person_id}/identities": Scope.people_write,
    "DELETE /v1/people/{person_id}/access": Scope.people_write,
    "GET /answers/{word}": ANYBODY,
    "POST /answers/{word}": ANYBODY,
}
"""By method and path, as the routes are written."""


_COMMAND: Final = re.compile(r"POST /v1/[a-z-]+/\{[a-z_]+\}/commands/[A-Za-z]+")


def scope_names(operation: str) -> list[str] | None:
    """What the OpenAPI says of *operation*: the scopes it needs; None where nobody is asked who they are."""
    written = _COMMANDS if _COMMAND.fullmatch(operation) else operation
    needed = NEEDED.get(written, Scope.all)
    if needed is ANYBODY:
        return None
    return [needed.value] if isinstance(needed, Scope) else []
