"""Events of three generations, as three releases wrote them, are one to everything that reads the store."""

import asyncio
import json
from collections.abc import Mapping
from itertools import groupby
from typing import Any

import pytest
from rules_story import Story

from audit.replay import replay_case
from audit.verify import verify_rows_of
from domain.envelope import Event, EventData
from domain.law import FACTS
from domain.records import Key, Text
from domain.stages.closing import NoteRecorded
from domain.stages.review import CoordinatorAssigned
from domain.streams import fold
from domain.upcasting import UPCASTERS
from store import veil
from store.append import Append, Appended, NaturalKey
from store.cases import Cases
from store.connect import Store
from store.overview import overview_of
from store.pool import fetch
from store.projections import PROJECTIONS, asynchronous
from store.rebuild import rebuild

NOTE = "炉の温度を確認する。"


class Assigned1(EventData):
    """Who owns the case, when the person was named otherwise."""

    owner: Key


class Assigned2(EventData):
    """The same, once the role stood before the person."""

    schema_version = 2
    coordinator: Key


class Assigned3(CoordinatorAssigned):
    """The shape of today, in its third version."""

    schema_version = 3


class Note1(EventData):
    """A note, under another name of its secret."""

    note: Text


class Note2(EventData):
    """The same, once it had a class."""

    schema_version = 2
    words: Text
    kind: str = "internal"


class Note3(NoteRecorded):
    """The shape of today, in its third version."""

    schema_version = 3


UPWARD = {
    ("CoordinatorAssigned", 1): lambda data: {"coordinator": f"person:{data['owner']}"},
    ("CoordinatorAssigned", 2): lambda data: {"coordinator_id": data["coordinator"].removeprefix("person:")},
    ("NoteRecorded", 1): lambda data: {"words": data["note"], "kind": "internal"},
    ("NoteRecorded", 2): lambda data: {"text": data["words"], "class": data["kind"]},
}
WRITTEN: Mapping[str, tuple[Any, Any, Any]] = {
    "CoordinatorAssigned": (
        lambda fact: Assigned1(owner=fact.coordinator_id),
        lambda fact: Assigned2(coordinator=f"person:{fact.coordinator_id}"),
        lambda fact: Assigned3(coordinator_id=fact.coordinator_id),
    ),
    "NoteRecorded": (
        lambda fact: Note1(note=fact.text),
        lambda fact: Note2(words=fact.text),
        lambda fact: Note3(text=fact.text),
    ),
}


def written(event: Event, generation: int) -> Event:
    """*event* as the release of this generation kept it."""
    if event.type not in WRITTEN:
        return event
    data = WRITTEN[event.type][generation](event.data)
    return event.model_copy(update={"data": data, "schema_version": type(data).schema_version})


def secret(monkeypatch: pytest.MonkeyPatch, kind: str, *names: str) -> None:
    """Let these values of the events of this *kind* be the secret ones."""
    places = [(("data", name), f"data.{name}") for name in names]
    monkeypatch.setitem(veil._PATHS, kind, [*veil._EVERYWHERE, *places])


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[list[Event]]:
    """What three cases are told, and then a release which knows the third generation and how to get there."""
    stories = [Story(case_id=f"g{number}").in_review(bank_reference=f"g{number}") for number in range(3)]
    for one in stories:
        one.must("tanaka", "AddNote", {"text": NOTE})
    for name, newest in (("CoordinatorAssigned", Assigned3), ("NoteRecorded", Note3)):
        fact = FACTS[name]
        changed = type(fact)(fact.name, newest, fact.evolve, fact.bank, fact.stream, {3: newest}, fact.enters)
        monkeypatch.setitem(FACTS, name, changed)
    for key, up in UPWARD.items():
        monkeypatch.setitem(UPCASTERS, key, up)  # type: ignore[arg-type]
    secret(monkeypatch, "NoteRecorded", "note", "words", "text")
    return [one.events for one in stories]


async def keep(store: Store, events: list[Event], generation: int) -> None:
    """Append *events* command by command, in the shapes of *generation*."""
    for _, many in groupby(events, lambda one: one.command_id):
        mine = list(many)
        state = fold([written(one, 2) for one in events[: mine[-1].version]])
        await store.clock.move(mine[0].recorded_at)
        old = tuple(written(one, generation) for one in mine)
        row, stream = overview_of(state), mine[0].stream  # type: ignore[arg-type]
        key = NaturalKey("jfs-fukuoka", row.case_id, row.case_id, b"") if mine[0].version == 1 else None
        wanted = Append(stream, mine[0].version - 1, mine[0].command_id, old, overview=row, referral=key)
        assert isinstance(await store.ledger.append(wanted), Appended)


async def test_stored_events_of_three_generations_are_one_to_state_audit_and_projections(
    url: str, told: list[list[Event]]
) -> None:
    async with Store.open(url, [bytes(32)]) as store:
        for generation, events in enumerate(told):
            await keep(store, events, generation)
        for follower in asynchronous(Cases(store.ledger)):
            await store.following.catch_up(follower)

        bodies = [json.loads(body) for (body,) in await fetch(store.pool, "SELECT body FROM hashi.events")]
        seen = {(one["type"], one["schema_version"], *sorted(one["data"])) for one in bodies if one["type"] in WRITTEN}
        assert {one[:2] for one in seen} == {(name, version) for name in WRITTEN for version in (1, 2, 3)}
        assert ("NoteRecorded", 1, "note") in seen
        assert NOTE not in json.dumps(bodies, ensure_ascii=False)

        states = [await Cases(store.ledger).today(f"g{number}") for number in range(3)]
        facts = [
            [one.data for one in await store.ledger.read(f"case-g{number}") if one.type in WRITTEN]
            for number in range(3)
        ]
        assert [one.coordinator_id for one in states if one] == ["tanaka"] * 3
        assert facts[0] == facts[1] == facts[2] == [Assigned3(coordinator_id="tanaka"), Note3(text=NOTE)]

        seen_again = [await replay_case(store.pool, f"g{number}") for number in range(3)]
        assert {(one["version"], one["stage"], one["status"]) for one in seen_again} == {
            (len(told[0]), "review", "open")
        }
    for name in PROJECTIONS:
        assert (await asyncio.to_thread(rebuild, url, name, jobs=1)).changed == 0
    for number in range(3):
        assert verify_rows_of(url, f"case-g{number}", lambda done, total: None)


async def test_a_value_that_was_plain_before_its_place_became_secret_is_still_read(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(case_id="plain").referred(bank_reference="plain")
    with monkeypatch.context() as earlier:
        secret(earlier, "NeedReferred", "tried_before")
        async with Store.open(url, [bytes(32)]) as store:
            await keep(store, story.events, 2)
    async with Store.open(url, [bytes(32)]) as store:
        assert [one.data for one in await store.ledger.read("case-plain")] == [one.data for one in story.events]
