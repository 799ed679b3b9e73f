"""What a command makes of a gateway's answers, and what it sends; the gateway here is made up."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workers.cli import run

Out = pytest.CaptureFixture[str]
CASE = {"case_id": "c1", "case_no": "K2026-000001", "stage": "review", "furthest_stage": "review", "status": "open"}
DONE = {**CASE, "version": 4, "events": [{"id": "e1", "type": "ReviewStarted", "version": 4}]}


class Gateway(http.server.ThreadingHTTPServer):
    """Answers everything with `status` and `body`, and keeps what it was asked."""

    status = 200
    body: Any = None
    asked: list[tuple[str, str, dict[str, str], bytes]]

    def answer(self, status: int, body: Any) -> None:
        self.status, self.body = status, body


class _Answer(http.server.BaseHTTPRequestHandler):
    server: Gateway

    def do_GET(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, dict(self.headers), sent))
        body = self.server.body if isinstance(self.server.body, bytes) else json.dumps(self.server.body).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that the environment names, with the key of somebody."""
    with Gateway(("127.0.0.1", 0), _Answer) as server:
        server.asked = []
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        monkeypatch.setenv("HASHI_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("HASHI_API_KEY", "hk_0_0")
        monkeypatch.setenv("HASHI_HOME", str(tmp_path / "home"))
        monkeypatch.chdir(tmp_path)
        yield server
        server.shutdown()
        serving.join()


def problem(status: int, code: str, **more: Any) -> dict[str, Any]:
    return {"type": f"/problems/{code}", "status": status, "code": code, "title": code, "detail": "Why.", **more}


@pytest.mark.parametrize(
    ("status", "code", "ends"),
    [
        (422, "triage_required", 2),
        (404, "unknown_case", 2),
        (403, "not_permitted", 2),
        (500, "internal_error", 70),
        (503, "engine_unavailable", 3),
    ],
)
def test_a_refusal_is_bad_input_and_an_outage_is_unreachable(
    gateway: Gateway, capsys: Out, status: int, code: str, ends: int
) -> None:
    gateway.answer(status, problem(status, code))
    assert run(["case", "show", "c1", "--json"]) == ends
    told = json.loads(capsys.readouterr().err)
    assert (told["status"], told["problem"]["code"]) == (ends, code)


def test_fields_that_do_not_fit_are_named_and_where_the_shape_stands(gateway: Gateway, capsys: Out) -> None:
    errors = [{"pointer": "/data/route", "detail": "This field is required."}]
    gateway.answer(422, problem(422, "invalid_field", errors=errors))
    assert run(["case", "do", "c1", "TriageNeed"]) == 2
    said = capsys.readouterr().err
    assert "  /data/route: This field is required.\n" in said
    assert "hashi schema commands TriageNeed" in said


def test_what_is_no_gateway_is_unreachable(gateway: Gateway, capsys: Out) -> None:
    gateway.answer(200, b"<html>")
    assert run(["case", "list"]) == 3
    assert "is no gateway; `hashi up`" in capsys.readouterr().err


def test_a_command_goes_with_its_key_version_and_reason(gateway: Gateway, capsys: Out) -> None:
    gateway.answer(200, DONE)
    words = ["--data", '{"a": "有明"}', "--reason", "other", "--reason-text", "why", "--if-match", "3"]
    assert run(["case", "do", "c 1/é", "StartReview", *words, "--idempotency-key", "k1"]) == 0
    method, path, headers, sent = gateway.asked[-1]
    assert (method, path) == ("POST", "/v1/cases/c%201%2F%C3%A9/commands/StartReview")
    assert (headers["If-Match"], headers["Idempotency-Key"]) == ('"v3"', "k1")
    assert json.loads(sent) == {"data": {"a": "有明"}, "reason": {"code": "other", "text": "why"}}
    assert "Done: ReviewStarted." in capsys.readouterr().out


def test_half_a_character_is_left_to_the_gateway_to_name(gateway: Gateway) -> None:
    gateway.answer(200, DONE)
    assert run(["case", "do", "c1", "AddNote", "--data", '{"text": "\\ud800有"}']) == 0
    assert gateway.asked[-1][3] == '{"data": {"text": "\\ud800有"}}'.encode()


@pytest.mark.parametrize("data", ['{"a": NaN}', '{"a": -Infinity}', '{"a":' * 100_000])
def test_what_is_no_json_is_not_sent(gateway: Gateway, capsys: Out, data: str) -> None:
    assert run(["case", "do", "c1", "AddNote", "--data", data]) == 2
    assert "--data: no JSON" in capsys.readouterr().err
    assert gateway.asked == []


def test_a_key_that_no_header_can_hold_is_named(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    assert run(["case", "do", "c1", "StartReview", "--idempotency-key", "鍵"]) == 2
    assert "--idempotency-key: " in capsys.readouterr().err
    monkeypatch.setenv("HASHI_API_KEY", "hk\n1")
    assert run(["case", "list"]) == 2
    assert "HASHI_API_KEY: " in capsys.readouterr().err
    assert gateway.asked == []


def test_an_answer_that_does_not_come_says_how_to_ask_again(gateway: Gateway, capsys: Out) -> None:
    gateway.answer(503, problem(503, "engine_unavailable"))
    assert run(["case", "do", "c1", "StartReview"]) == 3
    key = gateway.asked[-1][2]["Idempotency-Key"]
    assert f"give it again with --idempotency-key {key}" in capsys.readouterr().err


def test_a_list_is_read_to_its_last_page_and_empty_columns_are_left_out(gateway: Gateway, capsys: Out) -> None:
    gateway.answer(200, {"items": [{**CASE, "title": "溶解炉"}], "next": None})
    assert run(["case", "list"]) == 0
    head, _, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["Case", "Number", "Stage", "Status", "Title"]
    assert row.split() == ["c1", "K2026-000001", "review", "open", "溶解炉"]
    assert run(["case", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["case_no"] == "K2026-000001"


def test_the_commands_of_a_case_stand_in_the_order_of_their_use(capsys: Out) -> None:
    run(["case", "--help"])
    listed = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()[:4]
    assert [line.split()[0] for line in listed] == ["list", "show", "history", "do"]
