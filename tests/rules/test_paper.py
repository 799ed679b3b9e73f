"""Everything that the domain reference names is there, as it is named there: with fields, roles, visibility, schema."""

import json

import pytest
from paper import CASES, ENTRIES, FURTHER, OUR_COMMANDS, OURS, ROLES, Row
from released import shape_of

from domain.evidence import SOURCES, lender_view
from domain.examples import example_of
from domain.law import FACTS, RULES, View, with_seniors
from domain.terms import Role

ROWS = (*CASES, *FURTHER, *ENTRIES)
VIEWS = {"F": View.full, "S": View.summary, "-": View.hidden}


def names(told: str) -> tuple[str, ...]:
    """The words of a cell."""
    return tuple(told.split())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.events)
def test_an_event_of_the_paper_has_its_fields_and_its_bank_column(row: Row) -> None:
    for name in names(row.events):
        fact = FACTS[name]
        lacking = set(names(row.fields)) - set(fact.data.model_fields)
        assert not lacking
        assert row.bank == "*" or fact.bank is VIEWS[row.bank]
        assert fact.stream == ("case" if row in CASES else fact.stream)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.events)
def test_a_command_of_the_paper_is_given_by_whom_it_names(row: Row) -> None:
    if row.who == "*":
        return
    who = with_seniors(Role(ROLES[one]) for one in names(row.who))
    given = frozenset().union(*(RULES[name].by for name in names(row.commands)))
    assert given == who


def test_nothing_is_missing_and_whatever_is_more_says_why() -> None:
    events = {name for row in ROWS for name in names(row.events)}
    commands = {name for row in ROWS for name in names(row.commands)}
    assert set(FACTS) == events | set(OURS)
    assert set(RULES) == commands | set(OUR_COMMANDS)


@pytest.mark.parametrize("name", sorted(FACTS))
def test_an_event_has_a_schema_an_example_and_a_cause(name: str) -> None:
    fact, example = FACTS[name], example_of(name)
    assert shape_of(name)["type"] == "object"
    read = fact.data.model_validate_json(json.dumps(example.data))
    assert read.model_dump(mode="json", exclude_none=True, by_alias=True) == example.data
    assert example.commands and set(example.commands) <= set(RULES)


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_command_has_an_example_and_somebody_who_gives_it(name: str) -> None:
    rule = RULES[name]
    assert rule.by and rule.data.__doc__
    rule.data.model_validate_json(json.dumps(rule.data.example))  # type: ignore[attr-defined]


def test_a_lender_sees_the_types_of_the_dossier_as_a_bank_does() -> None:
    """6a, below the table."""
    assert {name for name in FACTS if lender_view(name) is not View.hidden} == {
        name for name in SOURCES if FACTS[name].bank is not View.hidden
    }
