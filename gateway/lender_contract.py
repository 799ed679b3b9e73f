"""The AsyncAPI 3.1 description of what a lender follows: the feed as a stream, and webhooks.

`docs/asyncapi.json` is this description as it was last accepted; `make openapi` writes it. The batches of
`GET /v1/feed` are in the OpenAPI description and hold the same messages.
"""

from typing import Any, Final

from activities.contract import VERIFICATION
from domain.cloud_events import cloud_type
from domain.evidence import SOURCES
from domain.law import FACTS
from gateway.schemas import schema_of_event
from gateway.shapes import SHAPES

_STRUCTURED: Final = "application/cloudevents+json"
_DIALECT: Final = "application/schema+json;version=2020-12"
_WITHHELD: Final = "withheld"
_CHALLENGE: Final = "endpoint_verification"
_ABOUT: Final = (
    "Once a company consents to lending evaluation by a lender, the events that its evidence dossier is made from come "
    "to that lender's feed, earlier ones first, under dense numbers of the lender's own. What a consent no longer "
    "covers is withheld. The feed is pulled (GET /v1/feed), streamed, or pushed to a webhook: at least once, in order "
    "for each case; consumers order by `sequence` and drop repetitions by `id`."
)
_SIGNED: Final = (
    "Standard Webhooks: `webhook-id` is the event's id, `webhook-timestamp` the attempt in seconds, "
    "`webhook-signature` a list of `v1,` (HMAC-SHA256) and `v1a,` (Ed25519) signatures of `id.timestamp.body`."
)
_TEXT: Final = {"type": "string"}


def asyncapi() -> dict[str, Any]:
    """The description."""
    fed = {_message(name, number): (name, number) for name in sorted(SOURCES) for number in FACTS[name].versions}
    messages = {key: _event(*one) for key, one in fed.items()}
    messages |= {_WITHHELD: _withheld(), _CHALLENGE: _challenge()}
    return {
        "asyncapi": "3.1.0",
        "info": {"title": "Hashi: the lender's feed", "version": "1", "description": _ABOUT},
        "defaultContentType": _STRUCTURED,
        "servers": {
            "gateway": {
                "host": "{host}",
                "protocol": "https",
                "description": "Any gateway.",
                "variables": {"host": {"description": "Where the gateway is reached.", "default": "localhost:8780"}},
                "security": [{"$ref": "#/components/securitySchemes/key"}],
            }
        },
        "channels": {
            "stream": {
                "address": "/v1/feed/stream",
                "title": "Server-sent events",
                "description": "`id` is the number, `Last-Event-ID` or `after` where to go on, `data` the message.",
                "servers": [{"$ref": "#/servers/gateway"}],
                "messages": _named([*fed, _WITHHELD]),
            },
            "webhook": {
                "address": None,
                "title": "The lender's own endpoint",
                "description": f"POST to the URL of `POST /v1/feed/endpoints`; 2xx within 15 s takes it. {_SIGNED}",
                "messages": _named([*fed, _CHALLENGE]),
            },
        },
        "operations": {
            "streamFeed": _operation("stream", [*fed, _WITHHELD], "Events as they come, in order."),
            "pushEvent": _operation("webhook", [*fed], "One event; tried again over three days until it is taken."),
            "verifyEndpoint": _operation("webhook", [_CHALLENGE], 'Answer 200 with {"challenge": the same word}.'),
        },
        "components": {
            "messages": messages,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key."}},
        },
    }


def _message(name: str, number: int) -> str:
    return f"{name}.v{number}"


def _named(keys: list[str]) -> dict[str, Any]:
    return {key: {"$ref": f"#/components/messages/{key}"} for key in keys}


def _operation(channel: str, keys: list[str], summary: str) -> dict[str, Any]:
    return {
        "action": "send",
        "summary": summary,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{key}"} for key in keys],
    }


def _event(name: str, number: int) -> dict[str, Any]:
    schema = schema_of_event(name, number)
    envelope = SHAPES["CloudEvent"]
    told = {
        **envelope,
        "required": [one for one in envelope["required"] if one != "data"],
        "properties": {
            **envelope["properties"],
            "type": {"const": cloud_type(name, number)},
            "dataref": {
                "type": "string",
                "format": "uri-reference",
                "description": "Where a thin event is read whole.",
            },
            "data": schema,
        },
    }
    return _told(f"{cloud_type(name, number)}", FACTS[name].data.__doc__ or name, told)


def _withheld() -> dict[str, Any]:
    return _told(
        _WITHHELD, "The company's consent no longer covers this number.", SHAPES["Withheld"], "application/json"
    )


def _challenge() -> dict[str, Any]:
    told = {
        "type": "object",
        "required": ["specversion", "id", "type", "source", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": _TEXT,
            "type": {"const": VERIFICATION},
            "source": _TEXT,
            "time": {"type": "string", "format": "date-time"},
            "data": {"type": "object", "required": ["challenge"], "properties": {"challenge": _TEXT}},
        },
    }
    return _told(VERIFICATION, "A signed challenge; events follow once it is answered.", told)


def _told(name: str, summary: str, schema: dict[str, Any], media: str = _STRUCTURED) -> dict[str, Any]:
    payload = {"schemaFormat": _DIALECT, "schema": schema}
    return {"name": name, "summary": summary.splitlines()[0], "contentType": media, "payload": payload}
