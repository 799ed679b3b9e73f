"""Which characters can be printed: those the embedded fonts have a glyph for, read from the fonts themselves.

A name with a character that is missing would come out with a hole in it. So a dossier that holds one is not issued;
the answer names the character and where it stands.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

FONTS: Final = Path(__file__).with_name("fonts")
_REGULAR: Final = FONTS / "NotoSansJP_400Regular.ttf"
_UNDRAWN: Final = frozenset("\n\t")


class NoGlyph(ValueError):
    """The fonts lack a character."""

    def __init__(self, char: str, place: str) -> None:
        super().__init__(f"{place} holds “{char}” (U+{ord(char):04X}), for which the fonts have no glyph")
        self.char: Final = char
        self.place: Final = place


def require_glyphs(document: Mapping[str, Any]) -> None:
    """Raise NoGlyph, naming character and place as a JSON pointer, for the first text that cannot be printed."""
    known = printable()
    for place, text in _texts(document, ""):
        for char in text:
            if ord(char) not in known and char not in _UNDRAWN:
                raise NoGlyph(char, place)


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _texts(one, f"{place}/{name}")
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from _texts(one, f"{place}/{number}")


@cache
def printable() -> frozenset[int]:
    """The code points that the regular font has a glyph for."""
    font = _REGULAR.read_bytes()
    start = _table(font, b"cmap")
    [count] = struct.unpack_from(">H", font, start + 2)
    found: set[int] = set()
    for number in range(count):
        [offset] = struct.unpack_from(">I", font, start + 8 + 8 * number)
        [form] = struct.unpack_from(">H", font, start + offset)
        if form == 12:
            found |= set(_groups(font, start + offset))
    assert found, "the font has no table of characters beyond the basic plane"
    return frozenset(found)


def _table(font: bytes, name: bytes) -> int:
    [count] = struct.unpack_from(">H", font, 4)
    for number in range(count):
        tag, _, offset, _ = struct.unpack_from(">4sIII", font, 12 + 16 * number)
        if tag == name:
            return int(offset)
    raise LookupError(name)


def _groups(font: bytes, at: int) -> Iterable[int]:
    """Format 12 of the OpenType `cmap`: ranges of characters with their first glyph."""
    [count] = struct.unpack_from(">I", font, at + 12)
    for number in range(count):
        first, last, glyph = struct.unpack_from(">III", font, at + 16 + 12 * number)
        yield from range(first if glyph else first + 1, last + 1)
