"""What is given to a command as JSON: a file, the standard input, or the word itself."""

import json
import sys
from pathlib import Path
from typing import Any, Final, NoReturn

from workers.cli.faults import BadInput

ENVELOPE: Final = frozenset({"data", "reason", "occurred_at", "evidence", "on_behalf_of"})
"""The fields of a command around its `data` (`contract.md` section 3)."""


def json_of(word: str, field: str) -> dict[str, Any]:
    """The JSON object in *word*: JSON itself, `-` for the standard input, else a file. Raises BadInput."""
    name, text = (field, word) if word.lstrip().startswith("{") else _text(word, field)
    try:
        told = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{name}: no JSON: {error}", field=field) from error
    if not isinstance(told, dict):
        raise BadInput(f"{name}: should be a JSON object", field=field)
    return told


def envelope_of(word: str, field: str) -> dict[str, Any]:
    """The command in *word*, given whole as `{"data": …}` or as the data alone. Raises BadInput."""
    told = json_of(word, field)
    return told if "data" in told and told.keys() <= ENVELOPE else {"data": told}


def _text(word: str, field: str) -> tuple[str, str]:
    name = "standard input" if word == "-" else word
    try:
        raw = sys.stdin.buffer.read() if word == "-" else Path(word).read_bytes()
        return name, raw.decode("utf-8-sig")
    except OSError as error:
        raise BadInput(f"{field}: {word} cannot be read: {error.strerror}", field=field) from error
    except UnicodeDecodeError as error:
        _not_utf8(name, error)


def _not_utf8(name: str, error: UnicodeDecodeError) -> NoReturn:
    raise BadInput(f"{name}: is not UTF-8 (byte {error.start}); save it as UTF-8") from error


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)!r} stands twice")
    return found
