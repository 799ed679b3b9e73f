"""`hashi bench` prints what the contract says, and every command it measures is accepted; never how fast."""

import json
import subprocess
import sys

import pytest

from bench.acts import acts_of, end_of
from bench.figures import Window, cost
from bench.sides import MESSAGE_DB, is_there
from workers.play.script import load


def hashi(*words: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-P", "-m", "workers.cli", *words]
    return subprocess.run(program, capture_output=True, text=True, timeout=900, check=False)


def test_a_quick_run_has_the_shape_of_the_contract_and_all_commands_accepted() -> None:
    done = hashi("bench", "command", "--quick", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told) == {"name", "figures", "ratios", "machine", "versions"}
    assert told["name"] == "command"
    assert set(told["ratios"]) == {f"cost_vs_bare_temporal_{clients}" for clients in (1, 16, 64)}
    sides = [f"{side}_{clients}" for side in ("hashi", "bare_temporal") for clients in (1, 16, 64)]
    names = {f"{name}_{side}" for name in ("p50_ms", "p99_ms", "per_second", "commands") for side in sides}
    assert names < set(told["figures"])
    assert all(told["figures"][name] > 0 for name in names)
    assert {"worker_bytes_per_idle_case", "cpu_ms_gateway_hashi_1", "cpu_ms_all_bare_temporal_1"} < set(told["figures"])
    assert {"cores", "python", "temporal_server", "postgresql"} <= {*told["machine"], *told["versions"]}


def test_a_table_is_committed_whole_while_coordinators_work() -> None:
    done = hashi("bench", "batch", "--quick", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told["ratios"]) == {"p50_meanwhile_vs_alone", "p99_meanwhile_vs_alone"}
    assert (told["figures"]["rows"], told["figures"]["lost"], told["figures"]["doubled"]) == (10, 0, 0)
    assert {"rows_per_second", "p99_ms_meanwhile", "commands_meanwhile", "load_1m"} < set(told["figures"])


def test_an_intake_is_measured_beside_a_bare_start() -> None:
    done = hashi("bench", "intake", "--quick", "--clients", "2", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["name"] == "intake"
    assert set(told["ratios"]) == {"cost_vs_bare_start_2", "cost_vs_bare_update_with_start_2"}
    names = {f"{name}_{side}_2" for name in ("p50_ms", "p99_ms") for side in ("hashi", "bare_start")}
    assert names < set(told["figures"])


def test_an_append_is_measured_beside_every_peer_that_is_there() -> None:
    done = hashi("bench", "append", "--quick", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["name"] == "append"
    peers = {"raw_insert": True, "pgbench": True, "eventsourcing": is_there("eventsourcing")}
    peers["message_db"] = MESSAGE_DB.is_dir()
    wanted = {f"rate_vs_{peer}_{writers}" for peer, there in peers.items() if there for writers in (1, 8)}
    assert set(told["ratios"]) == {*wanted, "rate_vs_raw_insert_4x8"}
    assert len(told.get("left_out", [])) == sum(not there for there in peers.values())
    assert {"per_second_hashi_8", "p99_ms_hashi_8", "lag_ms_p99_at_500"} < set(told["figures"])


@pytest.mark.parametrize(
    ("name", "events", "ratios"),
    [("replay", 200, {"copy", "fetch"}), ("rebuild", 2000, {"copy"}), ("verify", 2000, {"copy", "rebuild"})],
)
def test_reading_is_measured_beside_copy(name: str, events: int, ratios: set[str]) -> None:
    done = hashi("bench", name, "--events", str(events), "--rounds", "1", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told["ratios"]) == {f"rate_vs_{peer}" for peer in ratios}
    assert all(one > 0 for one in told["figures"].values())
    assert ("bytes_per_event" in told["figures"]) == (name == "rebuild")


def test_a_lender_gets_what_is_permitted_though_everything_on_the_way_fails() -> None:
    done = hashi("bench", "feed", "--quick", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told["ratios"]) == {"rate_vs_copy"}
    figures = told["figures"]
    assert figures["received"] == figures["permitted"] > 300
    assert (figures["missing"], figures["out_of_order"], figures["kills"]) == (0, 0, 2)
    assert figures["faults_500"] + figures["faults_closed"] > 0


def test_no_case_is_lost_with_the_whole_engine() -> None:
    done = hashi("bench", "restore", "--cases", "3", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["name"] == "restore"
    assert {told["figures"][name] for name in ("cases", "missing", "timers_right", "finished")} == {3}
    assert {"restore_s", "timers_right_s", "finish_s"} < set(told["figures"])


@pytest.mark.parametrize("clients", ["", "0", "1,x", "-3"])
def test_numbers_of_clients_that_make_no_sense_are_bad_usage(clients: str) -> None:
    done = hashi("bench", "command", "--clients", clients)
    assert (done.returncode, "--clients" in done.stderr) == (2, True)


def test_the_commands_are_the_accepted_ones_of_the_script_in_its_order() -> None:
    script = load("ceramics")
    acts = acts_of(script)
    assert [acts[0].command, acts[1].command, acts[-1].command] == ["ReferNeed", "AssignCoordinator", "RecordLicense"]
    assert sum(act.opens for act in acts) == 1
    assert len(acts) > 30


def test_what_lies_ahead_is_moved_behind_the_clock() -> None:
    script = load("ceramics")
    today = end_of(script).date().isoformat()
    bodies = {act.command: act.body["data"] for act in acts_of(script)}
    assert today < bodies["SignAgreement"]["ends_on"] < bodies["RenewAgreement"]["new_ends_on"]
    assert today < bodies["PlanMilestone"]["due_on"]
    assert bodies["ScheduleVisit"]["at"].startswith(today)


def test_a_cost_compares_each_round_with_itself() -> None:
    ours = [Window(2, [0.2, 0.4]), Window(2, [3.0]), Window(2, [0.1])]
    theirs = [Window(2, [0.1, 0.2]), Window(2, [1.0]), Window(2, [0.1])]
    assert cost(ours, theirs) == 2.0
    assert ours[0].per_second == pytest.approx(2 / 0.3)
    assert ours[0].percentile(0.99) == 0.4
