"""Logs: JSON lines on stderr with allow-listed keys, nothing personal, also from libraries."""

import json
import logging
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
import structlog

from workers import logs

Out = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave logging as it was found."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def fail(message: str) -> NoReturn:
    raise ValueError(message)


def lines(capsys: Out) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_an_event_is_one_json_line_with_known_keys_only(capsys: Out) -> None:
    logs.configure("info", for_terminal=False)
    structlog.get_logger("hashi").info("command_answered", case_id="c1", title="溶解炉", person="sato")
    [line] = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "command_answered", "case_id": "c1", "level": "info", "logger": "hashi"}


def test_an_exception_is_told_without_its_message(capsys: Out) -> None:
    logs.configure("info", for_terminal=False)
    try:
        fail("溶解炉を使わない耐熱ガラス部品")
    except ValueError:
        structlog.get_logger("hashi").exception("command_failed")
        logging.getLogger("library").exception("it failed")
    own, foreign = lines(capsys)
    for line in (own, foreign):
        assert line["exception"].startswith("ValueError at test_cli_logs.py:")
        assert "溶解炉" not in str(line)


def test_debugging_shows_the_whole_exception(capsys: Out) -> None:
    logs.configure("info", for_terminal=False, debug=True)
    try:
        fail("what it was")
    except ValueError:
        structlog.get_logger("hashi").exception("command_failed")
    assert "what it was" in lines(capsys)[0]["exception"]


def test_the_level_is_kept_for_libraries_too(capsys: Out) -> None:
    logs.configure("warning", for_terminal=False)
    structlog.get_logger("hashi").info("worker_started")
    logging.getLogger("library").info("hello")
    logging.getLogger("library").warning("look out")
    assert [line["event"] for line in lines(capsys)] == ["look out"]


def test_a_terminal_gets_lines_to_read(capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    logs.configure("info", for_terminal=True)
    structlog.get_logger("hashi").warning("process_ended", name="worker", pid=7)
    said = capsys.readouterr().err
    assert "process_ended" in said
    assert "name=worker" in said
