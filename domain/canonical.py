"""Canonical JSON (RFC 8785): the one form of a value, whose bytes are kept, hashed and proved."""

import json
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

_WRITER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
"""Writes what `_plain` has put into order; in C, so at a seventh of what the library rfc8785 takes."""
_EXACT: Final = 2**53 - 1
"""The largest integer that a JSON number tells exactly (RFC 8785, 3.2.2.3)."""


class NotCanonical(ValueError):
    """A value has no canonical form, for instance a float, or text that is not NFC: an error in the code."""

    def __init__(self, problem: str, place: str = "") -> None:
        super().__init__(f"{place or '/'} {problem}")
        self._problem: Final = problem
        self._place: Final = place

    def under(self, key: object) -> "NotCanonical":
        """The same, seen from what holds it under *key*."""
        return NotCanonical(self._problem, f"/{key}{self._place}")


def canonical(value: object) -> bytes:
    """The RFC 8785 bytes of *value*: strings, integers below 2^53, booleans, dates, aware instants, lists, mappings.

    Raises NotCanonical, naming the place as a JSON pointer.
    """
    try:
        return _WRITER.encode(_plain(value)).encode()
    except UnicodeEncodeError as error:
        raise NotCanonical("holds non-UTF-8 text: half of a surrogate pair") from error


def _plain(value: Any) -> Any:
    """*value* as strings, integers, booleans, lists and dictionaries, the keys in the order of RFC 8785."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict | Mapping):
        return _mapping(value)
    if isinstance(value, int):
        return value if isinstance(value, bool) else _integer(value)
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return _list(value)
    raise NotCanonical(f"holds a {type(value).__name__}, which has no canonical form")


def _mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    keys = _keys(value)
    try:
        for key in keys:
            told[key] = _plain(value[key])
    except NotCanonical as error:
        raise error.under(keys[len(told)]) from error
    return told


def _list(value: Iterable[Any]) -> list[Any]:
    told: list[Any] = []  # its length tells where it went wrong
    try:
        for one in value:
            told.append(_plain(one))
    except NotCanonical as error:
        raise error.under(len(told)) from error
    return told


def _keys(mapping: Mapping[Any, Any]) -> list[str]:
    """The keys by their UTF-16 units, which is the order of code points unless some lie beyond U+FFFF."""
    try:
        joined = "".join(mapping)
    except TypeError:
        odd = next(key for key in mapping if not isinstance(key, str))
        raise NotCanonical(f"has a {type(odd).__name__} as a key") from None
    if joined.isascii() and "\0" not in joined:
        return sorted(mapping)
    return sorted(map(_text, mapping), key=lambda key: key.encode("utf-16-be", "surrogatepass"))


def _text(text: str) -> str:
    if not (text.isascii() or unicodedata.is_normalized("NFC", text)):
        raise NotCanonical("holds text that is not in Unicode's normal form C")
    if "\0" in text:
        raise NotCanonical("holds U+0000, which PostgreSQL cannot keep")
    return text


def _integer(number: int) -> int:
    if not -_EXACT <= number <= _EXACT:
        raise NotCanonical(f"holds {number}, which exceeds what JSON numbers tell exactly")
    return number


def _instant(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise NotCanonical("holds an instant without a time zone")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
