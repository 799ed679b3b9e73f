"""A command as the bytes that are sealed, and back."""

import json

from domain.canonical import canonical
from domain.case import rule_of
from domain.envelope import Actor, Command


def pack(command: Command) -> bytes:
    """Everything of *command* that its ticket does not carry, as canonical bytes."""
    return canonical(
        command.model_dump(exclude_none=True, by_alias=True, exclude={"command_id", "case_id", "name", "actor"})
    )


def unpack(case_id: str, command_id: str, name: str, actor: Actor, body: bytes) -> Command:
    """The command that `pack` wrote as *body*. Raises UnknownCommand."""
    told = json.loads(body)
    told["data"] = rule_of(name).data.model_validate(told["data"])
    return Command(case_id=case_id, command_id=command_id, name=name, actor=actor, **told)
