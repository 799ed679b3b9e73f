"""What each problem means and what to do about it: the page behind its `type`, for people and for programs."""

from functools import cache
from importlib import resources
from typing import Annotated, Any, Final

import yaml
from fastapi import APIRouter, HTTPException, Path, Request, Response
from jinja2 import Environment, PackageLoader

from gateway.problems import language_of, quality_of, type_of
from gateway.titles import TITLES
from gateway.views import UNCHANGED, read

router: Final = APIRouter(tags=["contract"])
_BOTH: Final = ("ja", "en")
_HEADERS: Final = {
    "Vary": "Accept, Accept-Language",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
_WORDS: Final = {
    "heading": {"ja": "エラーの一覧", "en": "Problems"},
    "all": {"ja": "エラーの一覧", "en": "All problems"},
    "to_do": {"ja": "対処:", "en": "What to do:"},
}
_Code = Annotated[str, Path(json_schema_extra={"enum": sorted(TITLES)})]


@router.get("/problems", openapi_extra={"x-answer": "ProblemTypes"}, responses=UNCHANGED)
async def list_problems(request: Request) -> Response:
    """Every problem there is, in both languages; as HTML to whoever likes that better."""
    items = [explained(code) for code in sorted(TITLES)]
    return _shown(request, "problems.html", {"items": items, "next": None})


@router.get("/problems/{code}", openapi_extra={"x-answer": "ProblemType"}, responses=UNCHANGED)
async def read_problem(request: Request, code: _Code) -> Response:
    """What a problem means and what to do about it, in both languages; as HTML to whoever likes that better."""
    if code not in TITLES:
        raise HTTPException(404)
    return _shown(request, "problem.html", explained(code))


def explained(code: str) -> dict[str, Any]:
    """The problem *code*: its type, status and title, what it means and what to do. Raises KeyError."""
    title, told = TITLES[code], _told()[code]
    return {
        "type": type_of(code),
        "code": code,
        "status": title.status,
        "title": {"ja": title.ja, "en": title.en},
        "means": {language: told[language]["means"] for language in _BOTH},
        "do": {language: told[language]["do"] for language in _BOTH},
    }


def _shown(request: Request, template: str, content: dict[str, Any]) -> Response:
    accepted = request.headers.get("accept", "")
    if quality_of("text/html", accepted) <= quality_of("application/json", accepted):
        return read(request, content, headers={"Vary": _HEADERS["Vary"]})
    lang = language_of(request.headers.get("accept-language", ""))
    values = {**_WORDS, **content, "lang": lang, "order": sorted(_BOTH, key=lambda one: one != lang)}
    page = _templates().get_template(template).render(values)
    return Response(page, headers={**_HEADERS, "Content-Language": lang}, media_type="text/html")


@cache
def _told() -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((resources.files("gateway") / "pages" / "problems.yaml").read_text("utf-8"))
    return told


@cache
def _templates() -> Environment:
    loader = PackageLoader("gateway", "pages")
    return Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
