"""Every problem the gateway can answer with has a page behind its type, for people and for programs."""

import ast
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import gateway
from domain.refusals import SENTENCES
from gateway.explained import explained
from gateway.titles import TITLES

Call = Callable[..., Any]
GATEWAY = Path(gateway.__file__).parent


def emitted() -> set[str]:
    """The codes with which the gateway makes problems of its own, as its code says."""
    calls = [
        node
        for path in GATEWAY.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem"
    ]
    return {str(one.args[0].value) for one in calls if one.args and isinstance(one.args[0], ast.Constant)}


def test_every_problem_that_can_be_answered_has_a_title_and_a_page() -> None:
    assert {"malformed_json", "body_too_large", "unauthenticated"} <= emitted()
    assert emitted() | set(SENTENCES) <= set(TITLES)
    assert all(explained(code) for code in TITLES)


@pytest.mark.parametrize("code", sorted(TITLES))
def test_an_explanation_says_what_it_means_and_what_to_do_in_both_languages(code: str) -> None:
    told = explained(code)
    for part in ("title", "means", "do"):
        assert re.search("[ぁ-んァ-ヶ一-龠]", told[part]["ja"])
        assert told[part]["en"].isprintable()
        assert re.match('[A-Za-z`"“]', told[part]["en"])
    assert told["means"]["ja"].endswith("。")
    assert told["do"]["ja"].endswith("。")


async def test_the_type_of_a_problem_is_the_address_of_its_page(call: Call) -> None:
    problem = (await call("sato").get("/v1/cases/none")).json()
    page = await call("sato").get(problem["type"], headers={"Authorization": ""})
    assert (page.status_code, page.json()["code"], page.json()["status"]) == (200, "unknown_case", 404)
    assert (await call("sato").get(problem["type"], headers={"If-None-Match": page.headers["etag"]})).status_code == 304


class Tags(HTMLParser):
    """Collects what a page says, and that what is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(("accepted", "other"), [("ja", "en"), ("en", "ja")])
async def test_a_browser_gets_a_page_in_its_language_first(call: Call, accepted: str, other: str) -> None:
    headers = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": accepted}
    answer = await call("sato").get("/problems/rate_limited", headers=headers)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-language"] == accepted
    page, told = Tags(), explained("rate_limited")
    page.feed(answer.text)
    assert not page.open
    assert 0 < page.text.index(told["do"][accepted]) < page.text.index(told["do"][other])


async def test_all_problems_are_listed(call: Call) -> None:
    listed = (await call("sato").get("/problems")).json()["items"]
    assert [one["code"] for one in listed] == sorted(TITLES)
    page = await call("sato").get("/problems", headers={"Accept": "text/html"})
    assert all(f'href="/problems/{code}"' in page.text for code in TITLES)


async def test_an_unknown_problem_is_nothing(call: Call) -> None:
    answer = await call("sato").get("/problems/<script>")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
