"""An example of each event and the commands that cause it, taken from the told stories of the tests.

`tests/rules/event_examples.py` writes them, so that none is invented.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

FILE: Final = "examples.json"


class Example(NamedTuple):
    """One event as it happened in a story."""

    data: Mapping[str, Any]
    commands: tuple[str, ...]
    """All commands that cause events of this type."""


def example_of(name: str) -> Example:
    """The example of the event *name*. Raises KeyError."""
    told = _read()[name]
    return Example(told["data"], tuple(told["commands"]))


@cache
def _read() -> dict[str, Any]:
    kept: dict[str, Any] = json.loads((files("domain") / FILE).read_text("utf-8"))
    return kept
