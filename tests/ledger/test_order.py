"""The correctness run of `hashi bench order`, small; and that it sees a fault where there is one."""

from collections import Counter

from bench.order import FAULTS, Kept, Plan, Said, faults_of_follower, faults_of_ledger, measure
from bench.order_side import Tried

QUIET = Plan(seconds=2, seed=3, writers=4, fast=True)


def _kept(*commands: str) -> list[Kept]:
    """Events of one stream, one for each of *commands*."""
    return [Kept(n, "case-1", n, one) for n, one in enumerate(commands, 1)]


def _said(*commands: str) -> Said:
    """A writer who tried *commands*, each of one event, and was answered."""
    return Said({one: Tried(one, "case-1", 1) for one in commands}, set(commands))


async def test_killed_writers_relays_and_servers_lose_double_and_disorder_nothing() -> None:
    found = (await measure(QUIET, lambda _: None)).figures
    assert {one: found[one] for one in FAULTS} == dict.fromkeys(FAULTS, 0)
    assert found["kills"] > 0
    assert found["commands"] > 0


async def test_without_the_lock_the_run_finds_faults() -> None:
    found = (await measure(Plan(seconds=1, seed=3, without="lock", writers=4, fast=True), lambda _: None)).figures
    assert found["refused"] > 0


def test_a_lost_a_doubled_and_a_late_command_are_seen() -> None:
    assert not any(faults_of_ledger(_kept("a", "b"), _said("a", "b")).values())
    assert faults_of_ledger(_kept("a"), _said("a", "b")) == Counter(lost=1, doubled=0, out_of_order=0)
    assert faults_of_ledger(_kept("a", "a"), _said("a")) == Counter(lost=0, doubled=1, out_of_order=0)
    late = _said("a", "b")
    late.after["a"] = 2  # before it was sent, its writer had heard of position 2
    assert faults_of_ledger(_kept("a", "b"), late)["out_of_order"] == 1


def test_a_gap_and_a_torn_command_are_seen() -> None:
    gap = [Kept(1, "case-1", 1, "a"), Kept(3, "case-1", 2, "b")]
    assert faults_of_ledger(gap, _said("a", "b"))["out_of_order"] == 1
    assert faults_of_ledger(_kept("a", "b", "a"), _said("b"))["out_of_order"] > 0


def test_what_a_follower_missed_or_saw_twice_or_late_is_seen() -> None:
    kept = _kept("a", "b", "c")
    assert not any(faults_of_follower([1, 2, 3], kept).values())
    assert faults_of_follower([1, 3], kept) == Counter(lost=1, doubled=0, out_of_order=0)
    assert faults_of_follower([1, 2, 2, 3], kept) == Counter(lost=0, doubled=1, out_of_order=0)
    assert faults_of_follower([1, 3, 2], kept) == Counter(lost=0, doubled=0, out_of_order=1)
