"""The documents that commands and facts refer to: kept elsewhere, here by id and SHA-256 (`domain.md` section 6)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from domain.envelope import Command, EventData

DOCUMENT_FIELDS: Final = frozenset(
    {
        "document_id",
        "group_document_id",
        "report",
        "final_report",
        "answer_doc",
        "co_owner_consent",
        "evidence",
        "documents",
    }
)
"""Fields that hold the id of a kept document, or several."""


def documents_of(command: Command) -> tuple[tuple[str, str], ...]:
    """The documents *command* refers to, each as JSON pointer and id, in order."""
    named = [(f"/evidence/{place}", one) for place, one in enumerate(command.evidence)]
    return (*named, *_named_in(command.data.model_dump(exclude_none=True), "/data"))


def documents_in(fact: EventData) -> tuple[str, ...]:
    """The ids of the documents *fact* refers to."""
    return tuple(one for _, one in _named_in(fact.model_dump(exclude_none=True), ""))


def _named_in(body: Mapping[str, Any], pointer: str) -> Iterable[tuple[str, str]]:
    for at, value in walk(body, pointer):
        parts = at.rsplit("/", 2)
        if parts[-1] in DOCUMENT_FIELDS or (parts[-1].isdigit() and parts[-2] in DOCUMENT_FIELDS):
            yield at, value


def walk(value: Any, pointer: str) -> Iterable[tuple[str, str]]:
    """Every text in *value* with its JSON pointer."""
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from walk(item, f"{pointer}/{key}")
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from walk(item, f"{pointer}/{place}")
