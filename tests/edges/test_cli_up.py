"""`hashi up` as a new user meets it: a need of their own, a killed worker, a stop, and going on with another build."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from store.sealing import Seals
from workers.embedded.place import remove
from workers.settings import parse_keys
from workers.up.home import HomeInUse, UpHome

PATIENCE = 120.0


@dataclass
class Machine:
    """A folder on a machine where nothing of ours is set, and the `hashi up` that runs in it."""

    folder: Path
    port: int
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HASHI_", "TEMPORAL_"))}
        return {**kept, "LC_ALL": "C.UTF-8"}

    def words(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "workers.cli", *words]

    def hashi(self, *words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.words(*words),
            cwd=self.folder,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )

    def told(self, *words: str, given: str | None = None) -> Any:
        answer = self.hashi(*words, "--json", given=given)
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    def up(self, **more: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        """Start it, with *more* in its environment, and wait until it says that it runs."""
        log = (self.folder / "up.log").open("a", encoding="utf-8")
        process = subprocess.Popen(
            self.words("up", "--json", "--no-ui", "--port", str(self.port)),
            cwd=self.folder,
            env={**self.environment, **more},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        log.close()
        self.running.append(process)
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line == "}\n":
                return process, json.loads("".join(lines))
        raise AssertionError((self.folder / "up.log").read_text(encoding="utf-8"))

    def record(self) -> dict[str, Any]:
        return UpHome(self.folder / ".hashi").record()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A folder whose path has a space and Japanese letters in it."""
    folder = tmp_path / "橋 の 家"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    machine = Machine(folder, port)
    yield machine
    for process in machine.running:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
        if process.stdout is not None:
            process.stdout.close()
    remove(folder / ".hashi")  # root's PostgreSQL data lie elsewhere


def gone(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return True
    return text.rpartition(")")[2].split()[0] in "ZX"


def wait_until_gone(*pids: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while not all(gone(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def wait_until_told(machine: Machine, person: str, kind: str) -> None:
    """Until the relay has written a notice of this *kind*."""
    deadline = time.monotonic() + PATIENCE
    while kind not in machine.hashi("notices", "list", "--as", person).stdout:
        assert time.monotonic() < deadline


def test_a_case_goes_on_over_a_killed_worker_a_stop_and_a_killed_parent(machine: Machine) -> None:
    process, told = machine.up()
    home = UpHome(machine.folder / ".hashi")
    for path in (home.keys, home.master_key, home.environment, home.addresses):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(told["people"]) >= {"admin", "bank", "coordinator", "senior", "researcher"}
    Seals(parse_keys(home.master_key.read_text(encoding="ascii"), "master.key"))

    need = machine.hashi("needs", "example").stdout
    referred = machine.told("needs", "submit", "-", "--as", "bank", given=need)
    case = referred["case_id"]
    assert referred["stage"] == "intake"
    bare = json.dumps(json.loads(need)["data"])
    assert machine.told("needs", "submit", "-", "--as", "bank", given=bare)["case_id"] == case

    os.kill(told["worker_pid"], signal.SIGKILL)
    wait_until_gone(told["worker_pid"])
    assign = ("case", "do", case, "AssignCoordinator", "--as", "senior", "--data", '{"coordinator_id": "coordinator"}')
    answer = machine.told(*assign)
    assert [one["type"] for one in answer["events"]] == ["CoordinatorAssigned"]
    assert machine.record()["worker_pid"] not in (None, told["worker_pid"])

    wait_until_told(machine, "coordinator", "case_assigned")

    refused = machine.hashi("case", "do", case, "StartReview", "--as", "bank")
    assert (refused.returncode, refused.stderr.partition(":")[2][:14]) == (2, " not_permitted")

    second = machine.hashi("up", "--port", str(machine.port))
    assert second.returncode == 2
    assert told["url"] in second.stderr

    examined = machine.told("doctor")
    assert {one["level"] for one in examined["findings"]} <= {"ok", "warning", "fault"}
    assert {one["name"] for one in examined["findings"] if one["level"] == "fault"} <= {"Packages"}

    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 0
    assert machine.hashi("case", "show", case, "--as", "bank").returncode == 3

    process, told = machine.up(HASHI_BUILD_ID="next-release", HASHI_DEPLOYMENT="steered")
    started = machine.told("case", "do", case, "StartReview", "--as", "coordinator")
    assert started["stage"] == "review"
    process.kill()
    wait_until_gone(told["worker_pid"], told["gateway_pid"], told["relay_pid"])

    process, _ = machine.up()
    proposed = machine.told(
        *("case", "do", case, "DeclineNeed", "--as", "coordinator", "--reason", "no_research_content")
    )
    assert [one["type"] for one in proposed["events"]] == ["DecisionProposed"]
    machine.told("case", "do", case, "ConfirmDecision", "--as", "senior")
    shown = machine.hashi("case", "history", case, "--as", "bank").stdout
    assert ["NeedReferred" in shown, "NeedDeclined" in shown, "DecisionProposed" in shown] == [True, True, False]


def test_a_taken_port_is_told_before_anything_is_started(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", machine.port)):
        told = machine.hashi("up", "--port", str(machine.port))
    assert told.returncode == 2
    assert f"port {machine.port} of 127.0.0.1: it is in use" in told.stderr
    assert "--port" in told.stderr
    assert not (machine.folder / ".hashi" / "stack.json").exists()


def test_a_home_that_cannot_be_written_is_told(machine: Machine) -> None:
    (machine.folder / ".hashi").write_text("", encoding="utf-8")
    told = machine.hashi("up", "--port", str(machine.port))
    assert told.returncode == 2
    assert "HASHI_HOME" in told.stderr


def test_one_home_is_held_by_one(tmp_path: Path) -> None:
    home = UpHome(tmp_path)
    held = home.take()
    home.note({"url": "http://127.0.0.1:1"})
    assert home.is_served()
    with pytest.raises(HomeInUse) as refusal:
        home.take()
    assert refusal.value.record["url"] == "http://127.0.0.1:1"
    os.close(held)
    assert not home.is_served()


def test_the_environment_file_is_read_back_by_a_shell(tmp_path: Path) -> None:
    home = UpHome(tmp_path)
    home.keep_environment({"HASHI_HOME": "/橋 の 家/it's $HOME"})
    line = f'. "{home.environment}" && printf %s "$HASHI_HOME"'
    told = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert told.stdout == "/橋 の 家/it's $HOME"
