"""The command line: help, exit statuses and messages, without any server."""

import json
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from domain.law import FACTS, RULES
from gateway.commands import STREAMS, body_of
from workers.cli import PARTS, hashi, run
from workers.cli.faults import BUG

Out = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment that names nothing, and a home that is not there yet."""
    for name in list(os.environ):
        if name.startswith(("HASHI_", "TEMPORAL_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HASHI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", os.devnull)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def closed_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and group below *group*, with its path."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = list(commands(hashi))
LEAVES = [(path, command) for path, command in ALL if not isinstance(command, click.Group)]


@pytest.mark.parametrize("path", [path for path, _ in ALL], ids=" ".join)
def test_every_help_ends_with_an_example(path: tuple[str, ...], capsys: Out) -> None:
    assert run([*path, "--help"]) == 0
    example = capsys.readouterr().out.partition("\nExample:\n")[2]
    assert f"hashi {path[0]}" in example


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=[" ".join(path) for path, _ in LEAVES])
def test_every_command_takes_json(path: tuple[str, ...], command: click.Command) -> None:
    assert any("--json" in option.opts for option in command.params)


def test_the_main_help_says_of_each_command_what_the_command_says_itself() -> None:
    said = {path[0]: (command.help or "").splitlines()[0] for path, command in ALL if len(path) == 1}
    assert said == {name: part.help for name, part in PARTS.items()}


@pytest.mark.parametrize("path", [path for path, _ in ALL], ids=" ".join)
def test_every_command_says_in_japanese_too_what_it_does(path: tuple[str, ...], capsys: Out) -> None:
    run([*path, "--help"])
    assert any("\u3040" <= char <= "\u9fff" for char in capsys.readouterr().out)


def test_the_main_help_imports_no_server() -> None:
    code = (
        "import sys; from workers.cli import run; run(['--help'])\n"
        "servers = ('temporalio', 'sqlalchemy', 'fastapi', 'httpx')\n"
        "print([name for name in servers if name in sys.modules], file=sys.stderr)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stderr.strip() == "[]"


def test_bad_usage_is_one_line_and_status_2(capsys: Out) -> None:
    assert run(["case", "lst"]) == 2
    assert capsys.readouterr().err == "hashi: No such command 'lst'. Did you mean 'list'? See: hashi case --help\n"


def test_a_fault_is_json_where_json_was_asked_for(capsys: Out) -> None:
    assert run(["case", "show", "--json"]) == 2
    told = json.loads(capsys.readouterr().err)
    assert told["status"] == 2
    assert "CASE" in told["error"]


def test_a_command_without_a_key_says_how_to_give_one(capsys: Out) -> None:
    assert run(["case", "list"]) == 2
    assert "HASHI_API_KEY: not set" in capsys.readouterr().err


def test_before_anything_was_started_nobody_can_act(capsys: Out) -> None:
    assert run(["case", "list", "--as", "bank"]) == 3
    assert "`hashi up`" in capsys.readouterr().err


def test_a_person_without_a_key_here_is_named(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    monkeypatch.setenv("HASHI_URL", "http://127.0.0.1:1")
    assert run(["case", "list", "--as", "sato"]) == 2
    assert "no key of sato" in capsys.readouterr().err


def test_a_gateway_that_does_not_answer_is_status_3(
    closed_port: int, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    monkeypatch.setenv("HASHI_URL", f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("HASHI_API_KEY", "hk_0_0")
    assert run(["case", "list", "--json"]) == 3
    told = json.loads(capsys.readouterr().err)
    assert (told["server"], told["url"]) == ("gateway", f"http://127.0.0.1:{closed_port}")
    assert "`hashi up`" in told["error"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "need.json: no JSON"),
        (b"[]", "need.json: should be a JSON object"),
        (b'{"title": 1, "title": 2}', "'title' stands twice"),
        ("{}".encode("utf-16"), "need.json: is not UTF-8"),
        (None, "need.json cannot be read: No such file"),
    ],
)
def test_a_file_that_does_not_fit_is_named(
    content: bytes | None, message: str, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    monkeypatch.setenv("HASHI_API_KEY", "hk_0_0")
    if content is not None:
        Path("need.json").write_bytes(content)
    assert run(["needs", "submit", "need.json"]) == 2
    assert message in capsys.readouterr().err


def test_a_setting_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    monkeypatch.setenv("HASHI_PORT", "many")
    assert run(["case", "list"]) == 2
    assert capsys.readouterr().err.startswith("hashi: HASHI_PORT: ")


@pytest.mark.parametrize("process", ["worker", "gateway"])
def test_a_process_without_a_database_names_the_variable(process: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [sys.executable, "-m", "workers.cli", process]
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert "HASHI_DATABASE_URL: not set; `hashi up`" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_database_that_does_not_answer_is_status_3(
    closed_port: int, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    monkeypatch.setenv("HASHI_DATABASE_URL", f"postgresql://u:secret@127.0.0.1:{closed_port}/hashi")
    assert run(["db", "check"]) == 3
    said = capsys.readouterr().err
    assert "does not answer" in said
    assert "`hashi up`" in said
    assert "secret" not in said


def test_without_a_database_named_its_check_is_bad_usage(capsys: Out) -> None:
    assert run(["db", "check"]) == 2
    assert "HASHI_DATABASE_URL" in capsys.readouterr().err


def test_an_error_of_ours_is_short_and_says_how_to_see_more(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    monkeypatch.setitem(RULES, "ReferNeed", None)
    assert run(["needs", "example"]) == BUG
    assert capsys.readouterr().err.count("\n") == 1
    monkeypatch.setenv("HASHI_DEBUG", "1")
    run(["needs", "example"])
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupted_command_is_status_130(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("workers.cli.show.document", interrupt)
    assert run(["needs", "example"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_reader_who_leaves_early_gets_no_traceback() -> None:
    line = f"{shlex.quote(sys.executable)} -m workers.cli schema commands | head -c 1"
    told = subprocess.run(line, shell=True, capture_output=True, text=True, check=True)
    assert (told.stdout, told.stderr) == ("{", "")


def document(capsys: Out) -> Any:
    return json.loads(capsys.readouterr().out)


def test_the_example_of_a_need_is_one(capsys: Out) -> None:
    assert run(["needs", "example"]) == 0
    body_of("ReferNeed").model_validate_json(capsys.readouterr().out)


def test_every_command_is_printed_with_an_example_that_fits(capsys: Out) -> None:
    assert run(["schema", "commands"]) == 0
    told = document(capsys)["commands"]
    assert {"ReferNeed", "AssignCoordinator", "ConfirmDecision"} <= told.keys()
    for name, schema in told.items():
        assert schema["x-roles"]
        for example in schema["examples"]:
            body_of(name).model_validate_json(json.dumps(example))


def test_one_command_is_printed_alone(capsys: Out) -> None:
    assert run(["schema", "commands", "DeclineNeed"]) == 0
    told = document(capsys)
    assert told["$id"] == "/v1/schemas/commands/DeclineNeed"
    assert "no_research_content" in told["x-reason"]


def test_a_command_that_does_not_exist_is_named_with_its_neighbours(capsys: Out) -> None:
    assert run(["schema", "commands", "Decline"]) == 2
    assert "perhaps DeclineAssignment, DeclineNeed" in capsys.readouterr().err


def test_events_are_printed_by_name_and_version(capsys: Out) -> None:
    assert run(["schema", "events"]) == 0
    assert "NeedReferred.v1" in document(capsys)["events"]


def test_every_event_is_printed_with_its_example_its_issuers_and_who_sees_it(capsys: Out) -> None:
    assert run(["schema", "events"]) == 0
    for name, schema in document(capsys)["events"].items():
        [example] = schema["examples"]
        FACTS[name.rsplit(".", 1)[0]].data.model_validate_json(json.dumps(example))
        assert schema["x-roles"] and set(schema["x-commands"]) <= set(RULES)
        assert {schema["x-bank"], schema["x-lender"]} <= {"full", "summary", "hidden"}
        assert schema["x-stream"] in STREAMS.values()


def test_whatever_is_measured_says_in_what(capsys: Out) -> None:
    for kind in ("commands", "events"):
        assert run(["schema", kind]) == 0
        for name, schema in document(capsys)[kind].items():
            for part in (schema, *schema.get("$defs", {}).values()):
                bare = {field for field, told in part.get("properties", {}).items() if is_bare_number(told)}
                assert not bare, f"{name}: {bare}"


def is_bare_number(field: dict[str, Any]) -> bool:
    return '"integer"' in json.dumps(field) and "description" not in field


def test_money_and_shares_say_their_unit(capsys: Out) -> None:
    assert run(["schema", "events", "AgreementSigned"]) == 0
    costs = document(capsys)["$defs"]["Costs"]["properties"]
    assert all("JPY" in costs[name]["description"] for name in ("direct", "indirect", "visiting", "success_fee"))
    assert run(["schema", "commands", "StartConsultation"]) == 0
    assert "30 %" in str(document(capsys))


def test_the_http_interface_is_described_without_servers(capsys: Out) -> None:
    assert run(["schema", "openapi"]) == 0
    told = document(capsys)
    assert told["openapi"].startswith("3.1")
    assert "/v1/needs" in told["paths"]


def test_a_fresh_machine_is_healthy_and_is_told_what_starts_everything(capsys: Out) -> None:
    assert run(["doctor", "--json"]) == 0
    told = document(capsys)
    servers = {one["name"]: one for one in told["findings"] if one["level"] == "not running"}
    assert set(servers) == {"PostgreSQL", "Temporal", "Gateway"}
    assert {one["remedy"] for one in servers.values()} == {"hashi up"}
    assert told["healthy"]


def test_a_named_server_that_does_not_answer_is_status_3(
    closed_port: int, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    monkeypatch.setenv("HASHI_DATABASE_URL", f"postgresql://u@127.0.0.1:{closed_port}/hashi")
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{closed_port}")
    assert run(["doctor", "--json"]) == 3
    levels = {one["name"]: one["level"] for one in document(capsys)["findings"]}
    assert (levels["PostgreSQL"], levels["Temporal"]) == ("unreachable", "unreachable")


@pytest.mark.parametrize(
    ("variable", "status", "said"),
    [
        ("HASHI_PORT=many", 1, "HASHI_PORT: "),
        ("HASHI_MASTER_KEY=short", 1, "HASHI_MASTER_KEY: key 1"),
        ("HASHI_DATABSE_URL=x", 0, "unknown: HASHI_DATABSE_URL"),
    ],
)
def test_the_doctor_says_what_to_do_about_a_setting(
    variable: str, status: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    monkeypatch.setenv(*variable.split("="))
    assert run(["doctor", "--json"]) == status
    [found] = [one for one in document(capsys)["findings"] if said in one["told"]]
    assert found["remedy"]


def test_the_doctor_lists_every_setting_and_shows_no_secret(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    monkeypatch.setenv("HASHI_API_KEY", "hk_secret")
    assert run(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "hk_secret" not in said
    assert "HASHI_BEHIND_PROXY" in said
    assert "`hashi up` starts everything" in said
