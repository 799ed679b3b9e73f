"""A body that does not fit is named as such, with a pointer to where; none of it is ever a fault of ours."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs
from temporalio.client import Client

from gateway.app import GatewaySettings, create_app
from gateway.bodies import parse, pointer
from gateway.problems import Problem
from store.connect import Store

Call = Callable[..., Any]
Need = Callable[..., dict[str, Any]]
JSON = {"Content-Type": "application/json"}


async def sent(call: Call, content: bytes, **headers: str) -> httpx.Response:
    """The answer to *content* as a need."""
    answer = await call("sato").post("/v1/needs", content=content, headers={**JSON, **headers})
    assert isinstance(answer, httpx.Response)
    return answer


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"[1, 2", "delimiter"),
        (b'{"data": {}} {}', "Extra data"),
        (b'{"data": {}, "data": {}}', "'data' stands twice"),
        (b'{"data": {"title": "a", "title": "b"}}', "'title' stands twice"),
        (b'{"data": NaN}', "NaN"),
        (b'{"data": -Infinity}', "-Infinity"),
        (b'{"data": "\x01"}', "control character"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" * 200 + b"]" * 200, "nested deeper than 32"),
        (b'{"data":' * 40 + b"1" + b"}" * 40, "nested deeper than 32"),
        ('{"data": "窯"}'.encode("cp932"), "UTF-8 at byte 10"),
        (b'{"data": "\xed\xa0\x80"}', "UTF-8"),
        (b'\xef\xbb\xbf{"data": {}}', "BOM"),
        ('{"data": {}}'.encode("utf-16"), "UTF-8"),
        (b"1" * 5000, "5000 digits"),
        (b'{"\\ud800": 1, "\\ud800": 2}', "stands twice"),
    ],
)
async def test_what_is_no_json_is_said_to_be_none(call: Call, content: bytes, said: str) -> None:
    answer = await sent(call, content)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (400, "malformed_json")
    assert said in told["detail"]


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"title": 7}, "/data/title"),
        ({"title": None}, "/data/title"),
        ({"title": ""}, "/data/title"),
        ({"title": "あ" * 301}, "/data/title"),
        ({"title": "a\nb"}, "/data/title"),
        ({"title": "a\u0000b"}, "/data/title"),
        ({"title": "a\ud800b"}, "/data/title"),
        ({"description": "\u0007"}, "/data/description"),
        ({"description": "窯" * 100_000}, "/data/description"),
        ({"description": 1.5}, "/data/description"),
        ({"budget_band": "a lot"}, "/data/budget_band"),
        ({"desired_by": 20270331}, "/data/desired_by"),
        ({"desired_by": "31.3.2027"}, "/data/desired_by"),
        ({"field_codes": "materials.ceramics"}, "/data/field_codes"),
        ({"field_codes": ["materials.ceramics", "Materials Ceramics"]}, "/data/field_codes/1"),
        ({"field_codes": ["a"] * 21}, "/data/field_codes"),
        ({"program_tags": [10**30]}, "/data/program_tags/0"),
        ({"colour": "red"}, "/data/colour"),
        ({"a/b~c": "red"}, "/data/a~1b~0c"),
        ({"company": {"corporate_number": "1990101234567", "name": "x"}}, "/data/company/corporate_number"),
        ({"company": {"name": "x"}}, "/data/company/corporate_number"),
        ({"company": "x"}, "/data/company"),
        ({"company_id": "ariake"}, "/data/company"),
        ({"consent": {"recipients": ["center"]}}, "/data/consent/purposes"),
    ],
)
async def test_a_field_that_does_not_fit_is_pointed_at(call: Call, need: Need, change: dict[str, Any], at: str) -> None:
    body = need()
    body["data"] |= change
    answer = await sent(call, json.dumps(body).encode())
    told = answer.json()
    assert (answer.status_code, told["code"], told["errors"][0]["pointer"]) == (422, "invalid_field", at)
    assert told["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ([], ""),
        ("text", ""),
        ({}, "/data"),
        ({"data": []}, "/data"),
        ({"data": None}, "/data"),
        ({"more": 1}, "/more"),
        ({"reason": {"text": "no code"}}, "/reason/code"),
        ({"reason": "because"}, "/reason"),
        ({"occurred_at": "2026-04-01T09:00:00"}, "/occurred_at"),
        ({"occurred_at": 1775001600}, "/occurred_at"),
        ({"evidence": "doc"}, "/evidence"),
        ({"evidence": ["a b"]}, "/evidence/0"),
        ({"on_behalf_of": 7}, "/on_behalf_of"),
    ],
)
async def test_what_stands_around_the_data_is_checked_too(call: Call, need: Need, body: Any, at: str) -> None:
    if isinstance(body, dict) and body and "data" not in body:
        body = {**need(), **body}
    answer = await sent(call, json.dumps(body).encode())
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_field")
    assert at in {one["pointer"] for one in answer.json()["errors"]}


@pytest.mark.parametrize(("told", "at"), [("yes", "/data/joint"), (1, "/data/joint"), ("true", "/data/joint")])
async def test_a_text_is_no_yes(call: Call, told: Any, at: str) -> None:
    body = {"data": {"office": "jpo", "joint": told, "applicants": ["kyudai"]}}
    answer = await call("ueda").post("/v1/cases/none/commands/RecordFiling", json=body)
    assert answer.status_code == 422
    assert at in {one["pointer"] for one in answer.json()["errors"]}


async def test_a_body_has_a_limit(call: Call, address: str, keys: dict[str, str]) -> None:
    answer = await sent(call, b" " * (1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")

    async def endless() -> Any:
        for _ in range(40):
            yield b" " * 65536

    async with httpx.AsyncClient(base_url=address, headers={"Authorization": f"Bearer {keys['sato']}", **JSON}) as raw:
        answer = await raw.post("/v1/needs", content=endless())
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("path", ["/v1/needs", "/v1/documents"])
async def test_a_body_that_does_not_come_is_not_waited_for(call: Call, store: Store, engine: Client, path: str) -> None:
    async def hanging() -> AsyncIterator[bytes]:
        yield b"--b\r\n"
        await asyncio.Event().wait()

    hasty = create_app(store, engine, settings=GatewaySettings(body_patience=0.1))
    kind = "application/json" if path == "/v1/needs" else "multipart/form-data; boundary=b"
    answer = await call("sato", hasty).post(path, content=hanging(), headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"], answer.headers["connection"]) == (408, "body_too_slow", "close")


async def test_a_body_that_breaks_off_harms_nobody(address: str, keys: dict[str, str]) -> None:
    host, port = address.removeprefix("http://").split(":")
    head = f"POST /v1/needs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {keys['sato']}\r\n"
    for rest in ("Content-Length: 99\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n5\r\n{", "Content-Length: 1\r\n"):
        with capture_logs() as logged:
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"{head}Content-Type: application/json\r\n{rest}".encode())
            writer.close()
            assert await reader.read() == b""
            async with httpx.AsyncClient(base_url=address) as raw:
                assert (await raw.get("/livez")).status_code == 200
        assert "request_failed" not in {one["event"] for one in logged}


@pytest.mark.parametrize("kind", ["", "text/plain", "application/xml", "application/json; charset=shift_jis"])
async def test_a_body_is_json(call: Call, need: Need, kind: str) -> None:
    answer = await sent(call, json.dumps(need()).encode(), **{"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"']
)
async def test_json_may_say_that_it_is_utf8(call: Call, kind: str) -> None:
    assert (await sent(call, b"{}", **{"Content-Type": kind})).status_code == 422


@pytest.mark.parametrize(
    "key", ["", '""', '"', '"open', "two words", "a,b", "日本".encode(), "k" * 256, f'"{"k" * 256}"', '"\\n"', "\t"]
)
async def test_a_key_has_a_form(call: Call, need: Need, key: Any) -> None:
    answer = await call("sato").post("/v1/needs", json=need(), headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_idempotency_key")


async def test_there_is_one_key(call: Call, need: Need) -> None:
    headers = [
        ("Idempotency-Key", "a"),
        ("Idempotency-Key", "b"),
        ("Authorization", call("sato").headers["authorization"]),
    ]
    answer = await call("sato").post("/v1/needs", json=need(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_idempotency_key")


def test_the_largest_whole_numbers_pass() -> None:
    assert parse(b"[9007199254740991, -9007199254740991]") == [9007199254740991, -9007199254740991]
    with pytest.raises(Problem):
        parse(b"[9007199254740992]")


def test_an_emoji_is_no_lone_surrogate() -> None:
    assert parse(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_a_pointer_is_escaped() -> None:
    assert pointer(["a/b", 0, "~"]) == "/a~1b/0/~0"
