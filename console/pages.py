"""How a page is made: a template filled, escaped, in one language, under a policy that runs no foreign script."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from babel.messages.pofile import read_po
from jinja2 import Environment, PackageLoader
from starlette.requests import Request
from starlette.responses import Response

from gateway.problems import language_of

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


def language(request: Request) -> str:
    """`ja` or `en`: what the address asks for, else what the browser likes; Japanese when it says neither."""
    asked = request.query_params.get("lang")
    if asked in {"ja", "en"}:
        return asked
    accepted = request.headers.get("accept-language", "").lower()
    return language_of(accepted) if "en" in accepted or "ja" in accepted else "ja"


def page(request: Request, template: str, values: Mapping[str, Any], status: int = 200) -> Response:
    """The page *template* filled with *values*."""
    lang = language(request)
    text = _templates(lang).get_template(template).render(lang=lang, **values)
    return Response(text, status, {**_HEADERS, "Content-Language": lang}, "text/html")


@cache
def messages(lang: str) -> Mapping[str, str]:
    """The texts of the pages in *lang*, by their English."""
    if lang == "en":
        return {}
    with (resources.files("console") / "messages" / f"{lang}.po").open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file, locale=lang) if one.id and one.string}


@cache
def _templates(lang: str) -> Environment:
    made = Environment(
        loader=PackageLoader("console"),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    told = messages(lang)
    made.install_gettext_callables(  # type: ignore[attr-defined] # added by the extension
        lambda text: told.get(text, text),
        lambda one, many, count: told.get(one, one if count == 1 else many),
        newstyle=True,
    )
    return made
