"""The dossier as PDF/A-3: tagged, fonts embedded, the evidence attached, the same bytes for the same content."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Final

import typst

from dossier.document import hash_of
from dossier.glyphs import FONTS, require_glyphs
from dossier.words import words

_TEMPLATE: Final = Path(__file__).with_name("templates") / "dossier.typ"
_STANDARD: Final = "a-3a"
_ONE_AT_A_TIME: Final = Lock()
"""One compiler serves a process: its fonts and its template stay warm."""


@dataclass(frozen=True)
class Attachment:
    """A file inside the PDF."""

    name: str
    content: bytes
    media_type: str
    description: str
    relationship: str = "supplement"


def pdf_of(body: bytes, language: str, attachments: Sequence[Attachment] = ()) -> bytes:
    """The dossier whose canonical JSON is *body* as PDF, itself attached. Raises NoGlyph."""
    inputs, issued_at = _inputs(body, language)
    inputs["attached"] = json.dumps([_plain(one) for one in attachments])
    with _ONE_AT_A_TIME:
        made = _compiler().compile(
            _source(), format="pdf", sys_inputs=inputs, pdf_standards=_STANDARD, timestamp=issued_at
        )
    assert isinstance(made, bytes)
    return made


def pages_of(body: bytes, language: str, ppi: float = 110) -> list[bytes]:
    """The same as pictures, a PNG a page, to look at."""
    with _ONE_AT_A_TIME:
        made = _compiler().compile(_source(), format="png", sys_inputs=_inputs(body, language)[0], ppi=ppi)
    return [made] if isinstance(made, bytes) else list(made or ())


def _inputs(body: bytes, language: str) -> tuple[dict[str, str], datetime]:
    document: Mapping[str, Any] = json.loads(body)
    require_glyphs(document)
    inputs = {
        "dossier": body.decode(),
        "words": json.dumps(words(language), ensure_ascii=False),
        "lang": language,
        "hash": hash_of(body),
    }
    issued_at = datetime.fromisoformat(document["issued_at"]).astimezone(UTC)
    return inputs, issued_at.replace(microsecond=0)  # which a PDF does not tell


def _plain(one: Attachment) -> dict[str, Any]:
    told = {"name": one.name, "mime": one.media_type, "description": one.description, "relationship": one.relationship}
    return {**told, "data": list(one.content)}


@cache
def _source() -> bytes:
    return _TEMPLATE.read_bytes()


@cache
def _compiler() -> typst.Compiler:
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)])
    return typst.Compiler(font_paths=fonts, root=str(_TEMPLATE.parent))
