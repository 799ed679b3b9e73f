"""What the interface answers with, as JSON Schemas for the OpenAPI description; a route names its own by `x-answer`.

They say what is always there. What a role may not see is absent, so hardly anything is required.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from domain.scopes import Scope
from domain.terms import Disposition, OrganizationKind, Origin, Role, Stage, Status
from gateway.titles import TITLES

Schema: TypeAlias = dict[str, Any]


def _object(required: str, **properties: Schema) -> Schema:
    return {"type": "object", "required": required.split(), "properties": properties}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def ref(name: str) -> Schema:
    """A reference to the schema *name*."""
    return {"$ref": f"#/components/schemas/{name}"}


def _page(items: str) -> Schema:
    following = {"type": ["string", "null"], "description": "Goes into `after` for the next page; null: that was all."}
    return _object("items next", items=_list(ref(items)), next=following)


_TEXT: Final[Schema] = {"type": "string"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_INSTANT: Final[Schema] = {"type": "string", "format": "date-time"}
_DAY: Final[Schema] = {"type": "string", "format": "date"}
_ANY: Final[Schema] = {"type": "object"}
_STAGE: Final[Schema] = {"type": "string", "enum": [one.value for one in Stage]}
_STATUS: Final[Schema] = {"type": "string", "enum": [one.value for one in Status]}
_ROLE: Final[Schema] = {"type": "string", "enum": sorted(one.value for one in Role)}
_EVENT: Final = _object("id type version", id={"type": "string", "format": "uuid"}, type=_TEXT, version=_COUNT)
_HEAD: Final[Mapping[str, Schema]] = {
    "case_id": _TEXT,
    "case_no": _TEXT,
    "version": _COUNT,
    "stage": _STAGE,
    "furthest_stage": _STAGE,
    "status": _STATUS,
    "disposition": {"type": "string", "enum": sorted(one.value for one in Disposition)},
    "origin": {"type": "string", "enum": sorted(one.value for one in Origin)},
    "company_id": _TEXT,
    "coordinator": _TEXT,
    "opened_at": _INSTANT,
    "updated_at": _INSTANT,
}
_LISTS: Final = (
    *("assignments", "visits", "consultations", "agreements", "milestones", "readiness", "inventions", "publications"),
    *("transfers", "products", "consents", "proposals", "referrals", "searches", "questions", "corrections"),
)
_KEY: Final[Mapping[str, Schema]] = {
    "key_id": _TEXT,
    "person_id": _TEXT,
    "label": _TEXT,
    "scopes": _list({"type": "string", "enum": sorted(Scope)}),
    "status": {"type": "string", "enum": ["live", "expired", "revoked"]},
    "replaces": {"type": "string", "description": "The key whose place it takes."},
    "created_at": _INSTANT,
    "expires_at": _INSTANT,
    "revoked_at": _INSTANT,
    "last_used_at": {**_INSTANT, "description": "To the minute; absent: never."},
}
_ROW_STATES: Final = ("ready", "already_there", "refused", "committed")
_BOTH: Final = _object("ja en", ja=_TEXT, en=_TEXT)
_ENDPOINT: Final[Mapping[str, Schema]] = {
    "endpoint_id": _TEXT,
    "lender_id": _TEXT,
    "url": {"type": "string", "format": "uri"},
    "payload": {"type": "string", "enum": ["thin", "full"]},
    "status": {"type": "string", "enum": ["pending", "active", "suspended", "gone"]},
    "taken_over": {**_COUNT, "description": "The last number of the feed that is pushed, or was."},
    "failure": {"type": "string", "description": "Why the last attempt failed."},
    "created_at": _INSTANT,
    "verified_at": _INSTANT,
    "failing_since": _INSTANT,
}
_SESSION: Final[Mapping[str, Schema]] = {
    "session_id": _TEXT,
    "person_id": _TEXT,
    "csrf_token": {"type": "string", "description": "Goes with every change in the session, as X-CSRF-Token."},
    "expires_at": _INSTANT,
}
_FAULT: Final = _object("detail", pointer=_TEXT, parameter=_TEXT, detail=_TEXT)
_CONSENT_OF: Final = "The consent under which it was shown."

SHAPES: Final[Mapping[str, Schema]] = {
    "Problem": _object(
        "type title status detail code",
        type={"type": "string", "format": "uri-reference", "description": "Has a page: what it means, what to do."},
        title=_TEXT,
        status={"type": "integer", "minimum": 400, "maximum": 599},
        detail=_TEXT,
        code={"type": "string", "enum": sorted(TITLES)},
        instance=_TEXT,
        pointer=_TEXT,
        errors=_list(_FAULT),
        facts={"type": "object", "additionalProperties": _TEXT},
    ),
    "Receipt": _object(
        "case_id version stage status events",
        case_id=_TEXT,
        version=_COUNT,
        stage=_STAGE,
        status=_STATUS,
        events=_list(_EVENT),
    ),
    "EntryReceipt": _object("id version status events", id=_TEXT, version=_COUNT, status=_TEXT, events=_list(_EVENT)),
    "Case": _object(
        "case_id version stage furthest_stage status origin",
        **_HEAD,
        need=_ANY,
        reason=_object("code", code=_TEXT, text=_TEXT),
        **{name: _list(_ANY) for name in _LISTS},
        deadlines=_list(_object("timer due_at owner", timer=_TEXT, due_at=_INSTANT, owner=_TEXT)),
        as_of={**_INSTANT, "description": "What was on record then, where that was asked for."},
        true_on={**_INSTANT, "description": "What had happened by then, where that was asked for."},
    ),
    "CaseRow": _object("case_id version stage status", **_HEAD, title=_TEXT),
    "CloudEvent": _object(
        "specversion id type source time recordedtime dataschema partitionkey sequence data",
        specversion={"const": "1.0"},
        id={"type": "string", "format": "uuid"},
        type={"type": "string", "pattern": r"^jp\.hashi\.referral\.[a-z0-9_]+\.v[0-9]+$"},
        source=_TEXT,
        time=_INSTANT,
        recordedtime=_INSTANT,
        datacontenttype={"const": "application/json"},
        dataschema={"type": "string", "format": "uri-reference"},
        partitionkey=_TEXT,
        sequence={"type": "string", "pattern": "^[0-9]{20}$"},
        actorrole=_ROLE,
        data=_ANY,
    ),
    "Withheld": _object(
        "sequence withheld", sequence={"type": "string", "pattern": "^[0-9]{20}$"}, withheld={"const": True}
    ),
    "Feed": _object(
        "items next",
        items=_list({"anyOf": [ref("CloudEvent"), ref("Withheld")]}),
        next={"type": "string", "pattern": "^[0-9]+$", "description": "Goes into `after`, now or later."},
    ),
    "Endpoint": _object(
        "endpoint_id lender_id url payload status created_at",
        **_ENDPOINT,
        deliveries={"type": "object", "additionalProperties": _COUNT, "description": "How many, by status."},
    ),
    "NewEndpoint": _object(
        "endpoint_id secret public_key",
        **_ENDPOINT,
        secret={"type": "string", "description": "Verifies `v1` (HMAC-SHA256); shown this once."},
        public_key={"type": "string", "description": "Verifies `v1a` (Ed25519)."},
    ),
    "Delivery": _object(
        "sequence case_id status attempts",
        sequence={"type": "string", "pattern": "^[0-9]{20}$"},
        case_id=_TEXT,
        status={"type": "string", "enum": ["waiting", "sent", "withheld", "dead"]},
        attempts=_COUNT,
        failure=_TEXT,
        next_at=_INSTANT,
        ended_at=_INSTANT,
    ),
    "Replayed": _object("endpoint_id replayed", endpoint_id=_TEXT, replayed=_COUNT),
    "Disclosures": _object(
        "items reads next",
        items=_list(_ANY),
        reads=_list(
            _object(
                "at role to person read",
                at=_INSTANT,
                role=_ROLE,
                to=_TEXT,
                person=_TEXT,
                read=_TEXT,
                consent_id={"type": "string", "description": _CONSENT_OF},
            )
        ),
        next={"type": "null"},
    ),
    "Document": _object(
        "document_id sha256 bytes media_type", document_id=_TEXT, sha256=_TEXT, bytes=_COUNT, media_type=_TEXT
    ),
    "IntakeBatch": _object(
        "batch_id state format sha256 bytes created_at moved_at rows",
        batch_id=_TEXT,
        state={"type": "string", "enum": ["checked", "committing", "cancelled", "done"]},
        format={"type": "string", "enum": ["csv", "xlsx"]},
        encoding={"type": "string", "enum": ["utf-8", "cp932"]},
        sha256=_TEXT,
        bytes=_COUNT,
        created_at=_INSTANT,
        moved_at={**_INSTANT, "description": "When something of it last changed."},
        rows=_object(f"total {' '.join(_ROW_STATES)}", total=_COUNT, **dict.fromkeys(_ROW_STATES, _COUNT)),
    ),
    "IntakeRow": _object(
        "row state",
        row={**_COUNT, "description": "As a spreadsheet counts: the header is row 1."},
        state={"type": "string", "enum": list(_ROW_STATES)},
        reference=_TEXT,
        case_id=_TEXT,
        faults=_list(
            _object(
                "column code ja en",
                column={"type": "string", "description": "The field; empty: the row as a whole."},
                code=_TEXT,
                ja=_TEXT,
                en=_TEXT,
                label_ja=_TEXT,
                label_en=_TEXT,
            )
        ),
    ),
    "Dossier": _object(
        "dossier_id case_id version status issues",
        dossier_id=_TEXT,
        case_id=_TEXT,
        lender_id=_TEXT,
        version=_COUNT,
        status=_TEXT,
        issues=_list(_ANY),
    ),
    "Notice": _object(
        "notice_id kind created_at",
        notice_id=_TEXT,
        kind=_TEXT,
        case_id=_TEXT,
        created_at=_INSTANT,
        sent_at=_INSTANT,
        failed_at=_INSTANT,
        failure=_TEXT,
        person_id=_TEXT,
    ),
    "Contact": _object("notices", email=_TEXT, notices=_TEXT),
    "Absence": _object("starts_on ends_on", starts_on=_DAY, ends_on=_DAY, substitute_id=_TEXT),
    "Workload": _object(
        "person_id open_cases held_cases overdue_cases",
        person_id=_TEXT,
        open_cases=_COUNT,
        held_cases=_COUNT,
        overdue_cases=_COUNT,
        absence=ref("Absence"),
    ),
    "Me": _object(
        "person role organization",
        person=_object("person_id name", person_id=_TEXT, name=_TEXT),
        role=_ROLE,
        organization=ref("Organization"),
        scopes=_list(_TEXT),
    ),
    "Organization": _object(
        "org_id kind name",
        org_id=_TEXT,
        kind={"type": "string", "enum": sorted(one.value for one in OrganizationKind)},
        name=_TEXT,
    ),
    "Person": _object("person_id role org_id name", person_id=_TEXT, role=_ROLE, org_id=_TEXT, name=_TEXT),
    "Key": _object("key_id person_id label scopes status created_at", **_KEY),
    "NewKey": _object("key key_id person_id label scopes status created_at", key=_TEXT, **_KEY),
    "Client": _object(
        "client_id person_id label scopes status created_at",
        client_id=_TEXT,
        person_id=_TEXT,
        label=_TEXT,
        scopes=_KEY["scopes"],
        status={"type": "string", "enum": ["live", "revoked"]},
        issuer=_TEXT,
        subject=_TEXT,
        jwks=_ANY,
        created_at=_INSTANT,
        revoked_at=_INSTANT,
        last_used_at=_KEY["last_used_at"],
    ),
    "AccessToken": _object(
        "access_token token_type expires_in scope",
        access_token=_TEXT,
        token_type={"const": "Bearer"},
        expires_in=_COUNT,
        scope=_TEXT,
    ),
    "KeySet": _object("keys", keys=_list(_ANY)),
    "ServerMetadata": _object("issuer token_endpoint jwks_uri", issuer=_TEXT, token_endpoint=_TEXT, jwks_uri=_TEXT),
    "NewSession": _object("session_id person_id csrf_token expires_at", **_SESSION),
    "CurrentSession": _object("session_id person_id csrf_token expires_at", **_SESSION),
    "Session": _object(
        "session_id person_id method created_at last_used_at expires_at",
        session_id=_TEXT,
        person_id=_TEXT,
        method={"type": "string", "enum": ["local", "oidc"]},
        created_at=_INSTANT,
        last_used_at=_INSTANT,
        expires_at=_INSTANT,
    ),
    "Invitation": _object("person_id invitation expires_at", person_id=_TEXT, invitation=_TEXT, expires_at=_INSTANT),
    "Invited": _object("person_id name secret address", person_id=_TEXT, name=_TEXT, secret=_TEXT, address=_TEXT),
    "Identity": _object("issuer subject", issuer=_TEXT, subject=_TEXT),
    "JsonSchema": _object("$schema $id", **{"$schema": _TEXT, "$id": _TEXT}),
    "OpenApi": _object("openapi info paths", openapi=_TEXT, info=_ANY, paths=_ANY),
    "ProblemType": _object(
        "type code status title means do",
        type=_TEXT,
        code={"type": "string", "enum": sorted(TITLES)},
        status=_COUNT,
        title=_BOTH,
        means=_BOTH,
        do=_BOTH,
    ),
    "Alive": _object("status", status=_TEXT),
    "Ready": _object("status checks", status=_TEXT, checks={"type": "object", "additionalProperties": _TEXT}),
    "Cases": _page("CaseRow"),
    "Dossiers": _page("Dossier"),
    "Keys": _page("Key"),
    "Clients": _page("Client"),
    "Sessions": _page("Session"),
    "Identities": _page("Identity"),
    "Organizations": _page("Organization"),
    "People": _page("Person"),
    "CloudEvents": _page("CloudEvent"),
    "IntakeRows": _page("IntakeRow"),
    "Notices": _page("Notice"),
    "Endpoints": _page("Endpoint"),
    "Deliveries": _page("Delivery"),
    "Absences": _page("Absence"),
    "Workloads": _page("Workload"),
    "ProblemTypes": _page("ProblemType"),
}
