"""The dossier as one HTML page: no script, nothing from elsewhere, readable by all (WCAG 2.2 AA), fit for print."""

import json
import re
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from domain.statements.words import day_said
from dossier.document import hash_of
from dossier.words import words

_TEMPLATES: Final = Path(__file__).with_name("templates")
_JAPANESE: Final = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]+")


def html_of(body: bytes, language: str) -> bytes:
    """The dossier whose canonical JSON is *body* as HTML in *language*, UTF-8."""
    told = json.loads(body)
    page = _template().render(
        told=_with_gaps(told),
        lang=language,
        words=words(language),
        hash=hash_of(body),
        lines={line["line_id"]: line for one in told["sections"] for line in one["lines"]},
        places={one["event_id"]: place for place, one in enumerate(told["citations"], 1)},
    )
    return page.encode()


def _with_gaps(told: dict[str, Any]) -> dict[str, Any]:
    """*told* with None for what may be missing: any other missing name is an error."""
    lines = [line for one in told["sections"] for line in one["lines"]]
    for line in lines:
        line.setdefault("confirmed_by", None)
    return {"preview": None, "version": None, "dossier_id": None, "lending_context": None, **told}


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"spoken": _spoken, "day": _day}
    return environment.get_template("dossier.html.j2")


def _spoken(text: str, language: str) -> Markup:
    """*text*, its Japanese marked as such where the page is in English, so that it is read out as Japanese."""
    if language == "ja":
        return escape(text)
    parts, at = [], 0
    for found in _JAPANESE.finditer(text):
        parts += [escape(text[at : found.start()]), Markup('<span lang="ja">{}</span>').format(found.group())]
        at = found.end()
    return Markup().join([*parts, escape(text[at:])])


def _day(moment: str, language: str) -> str:
    """The day in Japan of an instant or a day."""
    told = date.fromisoformat(moment) if len(moment) == 10 else datetime.fromisoformat(moment)
    return str(getattr(day_said(told), language))
