"""The interface is described as it is, by a document that tools can read and that nobody changes unawares."""

from pathlib import Path
from typing import Any

import pytest
from interface_described import FILES, as_text
from openapi_spec_validator import OpenAPIV31SpecValidator

from workers.cli.schema import interface


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return interface()


def operations(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for path in told["paths"].values() for one in path.values()]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_accepted_description_is_that_of_the_code(file: Path) -> None:
    is_same = file.read_text("utf-8") == as_text(FILES[file])
    assert is_same, f"the interface changed: look at it, then run `make openapi` and commit docs/{file.name}"


def test_it_is_openapi_3_1(told: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(told).validate()
    assert told["openapi"].startswith("3.1")


def test_every_operation_says_what_its_refusals_and_faults_look_like(told: dict[str, Any]) -> None:
    for one in operations(told):
        assert {"4XX", "5XX"} <= one["responses"].keys(), one["operationId"]
        assert any(status.startswith("2") for status in one["responses"])


def test_every_operation_has_a_name_of_its_own(told: dict[str, Any]) -> None:
    names = [one["operationId"] for one in operations(told)]
    assert len(names) == len(set(names))


def test_a_need_leads_to_everything_that_can_be_done_with_its_case(told: dict[str, Any]) -> None:
    links = told["paths"]["/v1/needs"]["post"]["responses"]["201"]["links"]
    on_a_case = {
        one["operationId"]
        for path, operations in told["paths"].items()
        for one in operations.values()
        if "{case_id}" in path
    }
    assert links.keys() == on_a_case
    assert {"read_case", "list_events", "SupplementNeed", "WithdrawConsent"} <= on_a_case


def test_every_link_leads_somewhere(told: dict[str, Any]) -> None:
    names = {one["operationId"] for one in operations(told)}
    assert {one["operationId"] for one in told["components"]["links"].values()} <= names
