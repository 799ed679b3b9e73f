"""What goes wrong is a problem with a stable code, in the language asked for, and tells nothing of our insides."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs
from temporalio.client import Client

from domain.refusals import SENTENCES
from gateway.app import create_app
from gateway.problems import language_of
from gateway.titles import TITLES
from store.connect import Store

Call = Callable[..., Any]
Need = Callable[..., dict[str, Any]]


def is_problem(answer: httpx.Response, status: int, code: str) -> bool:
    """Whether *answer* is the problem *code* with all its members."""
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"]
    assert told["type"] == f"/problems/{code}"
    assert told["title"]
    assert told["detail"]
    assert told["status"] == answer.status_code
    return bool(answer.status_code == status and told["code"] == code)


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        ("", "Bearer"),
        ("Basic c2F0bzpzYXRv", "Bearer"),
        ("Bearer", "Bearer"),
        ("Bearer nonsense", 'Bearer error="invalid_token"'),
        ("Bearer hk_00_11", 'Bearer error="invalid_token"'),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/me"),
        ("GET", "/v1/cases"),
        ("POST", "/v1/needs"),
        ("POST", "/v1/documents"),
        ("PUT", "/v1/people/x"),
    ],
)
async def test_a_key_is_needed(call: Call, method: str, path: str, header: str, challenge: str) -> None:
    answer = await call("sato").request(method, path, headers={"Authorization": header})
    assert is_problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == challenge


async def test_a_revoked_key_ends(call: Call, store: Store) -> None:
    key = await store.keys.issue("sato", "short")
    headers = {"Authorization": f"Bearer {key}"}
    assert (await call("sato").get("/v1/me", headers=headers)).status_code == 200
    await store.keys.revoke(key.split("_")[1])
    assert is_problem(await call("sato").get("/v1/me", headers=headers), 401, "unauthenticated")


async def test_an_unknown_address_is_a_problem(call: Call) -> None:
    assert is_problem(await call("sato").get("/v1/nothing"), 404, "not_found")
    assert is_problem(await call("sato").get("/v1/cases/"), 404, "not_found")
    answer = await call("sato").delete("/v1/needs")
    assert is_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"
    assert (await call("sato").delete("/v1/cases")).headers["allow"] == "GET, POST"


@pytest.mark.parametrize("name", ["Nothing", "FallDue", "ReferNeed", "addnote", "%F0%9F%98%80"])
async def test_an_unknown_command_is_a_problem(call: Call, name: str) -> None:
    answer = await call("tanaka").post(f"/v1/cases/none/commands/{name}", json={"data": {}})
    assert is_problem(answer, 404, "unknown_command")


async def test_a_title_is_in_the_language_asked_for(call: Call) -> None:
    path = "/v1/cases/none"
    told = (await call("sato").get(path, headers={"Accept-Language": "ja"})).json()
    assert (told["title"], told["detail"]) == ("案件がありません", "この案件はありません。")
    answer = await call("sato").get(path)
    assert (answer.json()["title"], answer.headers["content-language"]) == ("Unknown case", "en")


async def test_a_field_is_blamed_in_the_language_asked_for(call: Call, need: Need) -> None:
    for language, said in (("ja", "この項目は必須です。"), ("en", "This field is required.")):
        headers = {"Accept-Language": language}
        told = (await call("sato").post("/v1/needs", json=need(title=None), headers=headers)).json()
        assert told["errors"] == [{"pointer": "/data/title", "detail": said}]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("*", "en"),
        ("ja", "ja"),
        ("ja-JP,en;q=0.8", "ja"),
        ("en-US,ja;q=0.5", "en"),
        ("en;q=0.1, ja;q=0.2", "ja"),
        ("fr", "en"),
        ("ja;q=x", "en"),
        ("ja;q=0", "en"),
        (";;,=", "en"),
    ],
)
def test_the_language_is_the_one_liked_better(accepted: str, language: str) -> None:
    assert language_of(accepted) == language


@pytest.mark.parametrize(
    "query", ["after=%00", "limit=0", "limit=201", "limit=x", "stage=nowhere", "status=?", "after=x", "as_of=2026"]
)
async def test_a_parameter_that_does_not_fit_is_named(call: Call, query: str) -> None:
    answer = await call("sato").get(f"/v1/cases?{query}")
    assert is_problem(answer, 422, "invalid_field")
    assert answer.json()["errors"][0]["parameter"] == query.split("=")[0]


async def test_a_fault_of_ours_tells_nothing(
    store: Store, engine: Client, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = create_app(store, engine)

    async def fails(*_: object) -> None:
        raise RuntimeError("the secret of 有明陶業")

    monkeypatch.setattr(broken.state.gateway.asking, "ask", fails)
    body = {"data": {"text": "電話"}}
    headers = {"X-Request-Id": "request-7"}
    with capture_logs() as logged:
        answer = await call("tanaka", broken).post("/v1/cases/none/commands/AddNote", json=body, headers=headers)
    assert is_problem(answer, 500, "internal_error")
    assert answer.json()["instance"] == "urn:uuid:request-7"
    assert "secret" not in answer.text
    assert [(one["event"], one.get("error")) for one in logged] == [
        ("request_failed", "RuntimeError"),
        ("request_answered", None),
    ]
    assert "secret" not in str(logged)
    assert "電話" not in str(logged)


async def test_a_request_keeps_its_id(call: Call) -> None:
    answer = await call("sato").get("/livez", headers={"X-Request-Id": "abc-1"})
    assert answer.headers["x-request-id"] == "abc-1"
    answer = await call("sato").get("/livez", headers={"X-Request-Id": "<script>"})
    assert len(answer.headers["x-request-id"]) == 36


async def test_a_real_server_answers_all_that(address: str, keys: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=address) as raw:
        assert is_problem(await raw.get("/v1/me"), 401, "unauthenticated")
        assert (await raw.get("/readyz")).json()["status"] == "ready"
        told = (await raw.get("/v1/me", headers={"Authorization": f"bearer {keys['sato']}"})).json()
        assert (told["role"], told["organization"]["org_id"]) == ("bank_officer", "jfs")


def test_every_refusal_has_a_title() -> None:
    assert set(SENTENCES) <= set(TITLES)
    assert all(title.ja and title.en for title in TITLES.values())
