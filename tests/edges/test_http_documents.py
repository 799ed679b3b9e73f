"""A file is kept once, and read by whoever sent it and by the center."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from temporalio.client import Client

from gateway.app import GatewaySettings, create_app
from store.connect import Store

Call = Callable[..., Any]


async def test_a_document_is_kept_and_read(call: Call) -> None:
    content = "同意書".encode()
    answer = await call("sato").post("/v1/documents", files={"file": ("同意書.pdf", content, "application/pdf")})
    told = answer.json()
    assert answer.status_code == 201
    assert set(told) == {"document_id", "sha256", "bytes", "media_type"}
    assert (told["sha256"], told["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert answer.headers["location"] == f"/v1/documents/{told['document_id']}"
    for person in ("sato", "ito", "tanaka", "noda"):
        read = await call(person).get(answer.headers["location"])
        assert (read.status_code, read.content, read.headers["content-type"]) == (200, content, "application/pdf")
        assert read.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%E5%90%8C")


async def test_the_same_bytes_are_one_document(call: Call) -> None:
    files = {"file": ("a.txt", b"same", "text/plain")}
    first, again = [(await call("sato").post("/v1/documents", files=files)).json() for _ in range(2)]
    assert again == first
    theirs = (await call("okada").post("/v1/documents", files=files)).json()
    assert theirs["document_id"] != first["document_id"]


async def test_a_strange_document_and_none_are_the_same(call: Call) -> None:
    kept = (await call("sato").post("/v1/documents", files={"file": ("a", b"mine", "text/plain")})).json()
    answers = [await call("okada").get(f"/v1/documents/{one}") for one in (kept["document_id"], "doc_none", "%00")]
    assert {one.status_code for one in answers} == {404}
    assert len({one.content for one in answers}) == 1
    assert answers[0].json()["code"] == "unknown_document"


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ({"files": {"file": ("a", b"", "text/plain")}}, 422),
        ({"files": {"other": ("a", b"x", "text/plain")}}, 422),
        ({"files": [("file", ("a", b"x")), ("file", ("b", b"x"))]}, 400),
        ({"files": {"file": ("a", b"x")}, "data": {"more": "x"}}, 400),
        ({"data": {"file": "x"}}, 415),
        ({"content": b"--x\r\nnonsense", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 422),
        ({"content": b"", "headers": {"Content-Type": "multipart/form-data"}}, 400),
    ],
)
async def test_a_form_holds_one_file(call: Call, parts: dict[str, Any], status: int) -> None:
    answer = await call("sato").post("/v1/documents", **parts)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_media_type_that_is_none_is_any(call: Call) -> None:
    answer = await call("sato").post("/v1/documents", files={"file": ("a", b"html?", "<script>")})
    assert answer.json()["media_type"] == "application/octet-stream"


async def test_a_document_has_a_limit(call: Call, store: Store, engine: Client) -> None:
    small = create_app(store, engine, settings=GatewaySettings(document_limit=1000))
    for size in (1001, 200_000):
        answer = await call("sato", small).post("/v1/documents", files={"file": ("a", b"x" * size)})
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert (await call("sato", small).post("/v1/documents", files={"file": ("a", b"x" * 1000)})).status_code == 201
