"""What a lender follows is described by a document whose messages are the events of the law."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from domain.evidence import SOURCES
from domain.examples import example_of
from domain.law import FACTS
from gateway.lender_contract import asyncapi

TOLD = asyncapi()


def references(value: Any) -> Iterator[str]:
    """Every reference in *value*, but those inside a schema, which are its own."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for key, item in value.items():
            if key != "schema":
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_every_reference_leads_somewhere() -> None:
    found = set(references(TOLD))
    assert len(found) > 50
    for one in found:
        place: Any = TOLD
        for part in one.removeprefix("#/").split("/"):
            place = place[part]


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_each_event_a_dossier_is_made_from_is_a_message_that_its_example_fits(name: str) -> None:
    version = FACTS[name].data.schema_version
    schema = TOLD["components"]["messages"][f"{name}.v{version}"]["payload"]["schema"]
    Draft202012Validator.check_schema(schema)
    event = {
        "specversion": "1.0",
        "id": "0198b1a0-0000-7000-8000-000000000000",
        "type": schema["properties"]["type"]["const"],
        "source": "/cases/c",
        "time": "2026-04-01T00:00:00Z",
        "recordedtime": "2026-04-01T00:00:00Z",
        "dataschema": f"/v1/schemas/events/{name}/v{version}",
        "partitionkey": "c",
        "sequence": f"{1:020d}",
    }
    check = Draft202012Validator(schema)
    check.validate({**event, "data": example_of(name).data})
    check.validate({**event, "dataref": "/v1/feed/events/0198b1a0-0000-7000-8000-000000000000"})
    assert not check.is_valid({**event, "sequence": "1"})
