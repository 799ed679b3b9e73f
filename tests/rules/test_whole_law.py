"""The told tests reach the whole law; this file runs last, after all stories were told."""

from pathlib import Path

import pytest
from rules_register import REACHED
from rules_story import TOLD

from domain.law import FACTS, RULES
from domain.refusals import SENTENCES


@pytest.fixture(autouse=True)
def _all_told(request: pytest.FixtureRequest) -> None:
    items = request.session.items
    every = {one.name for one in Path(__file__).parent.glob("test_*.py")} - {item.path.name for item in items}
    stories = {item.nodeid for item in items if "story" in getattr(item, "fixturenames", ())}
    if every or stories - TOLD.tests:
        pytest.skip("only some stories were told, or on another worker")


def test_every_command_of_a_case_is_accepted_in_a_story() -> None:
    assert {name for name, rule in RULES.items() if rule.stream == "case"} - TOLD.commands == set()


def test_every_event_of_a_case_happens_in_a_story() -> None:
    assert {name for name, fact in FACTS.items() if fact.stream == "case"} - TOLD.events == set()


def test_every_command_and_event_of_the_catalogue_is_told() -> None:
    every = {name for law in (RULES, FACTS) for name, one in law.items() if one.stream != "case"}
    assert every - REACHED == set()


def test_every_refusal_is_met_in_a_story() -> None:
    assert set(SENTENCES) - TOLD.codes == set()
