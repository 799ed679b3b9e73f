"""How a command ends when it cannot do what was asked: one line, and an exit status (`contract.md` section 2)."""

import json
from collections.abc import Mapping
from typing import Any, Final

DONE: Final = 0
FOUND: Final = 1
"""A check found a fault."""
BAD_INPUT: Final = 2
UNREACHABLE: Final = 3
BUG: Final = 70
"""An error of ours (EX_SOFTWARE)."""
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141


class Fault(Exception):
    """The command cannot be done; *message* says why and what to do, *facts* go into the JSON form."""

    status: int = BAD_INPUT

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.facts: Mapping[str, Any] = facts

    def as_json(self) -> str:
        """One line of JSON."""
        return json.dumps({"error": self.message, "status": self.status, **self.facts}, ensure_ascii=False)


class BadInput(Fault):
    """What was given does not fit, or a rule refused it; the message names the field, row or file."""


class Unreachable(Fault):
    """A server cannot be reached; the message names which, and the command that starts it."""

    status = UNREACHABLE
