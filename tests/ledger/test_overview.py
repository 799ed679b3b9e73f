"""Lists of cases: each reader his own, page by page, and what is overdue."""

from datetime import UTC, datetime, timedelta

import pytest
from ledger_notes import notes, overview

from domain.terms import Stage, Status
from store.connect import Store
from store.overview import Overviews

START = datetime(2026, 4, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
async def overviews(store: Store) -> Overviews:
    """Six cases: two of each bank and day, the even ones at review, the last closed."""
    for n in range(6):
        row = overview(
            f"k{n}",
            readers=(f"bank:b{n % 2}", "person:sato"),
            stage=Stage.intake if n % 2 else Stage.review,
            status=Status.closed if n == 5 else Status.open,
            opened_at=START + timedelta(days=n // 2),
            next_due_at=START + n * HOUR if n < 3 else None,
        )
        await store.ledger.append(notes(f"case-k{n}", 0, "c1", overview=row))
    return store.overview


async def ids(overviews: Overviews, **asked: object) -> list[str]:
    return [row.case_id for row in await overviews.cases(**{"readers": None, **asked})]


async def test_the_newest_come_first(overviews: Overviews) -> None:
    assert await ids(overviews) == ["k5", "k4", "k3", "k2", "k1", "k0"]


async def test_readers_see_their_own_cases(overviews: Overviews) -> None:
    assert await ids(overviews, readers=["bank:b1"]) == ["k5", "k3", "k1"]
    assert await ids(overviews, readers=["bank:b1", "bank:b0"]) == ["k5", "k4", "k3", "k2", "k1", "k0"]
    assert await ids(overviews, readers=["bank:b7"]) == []
    assert await ids(overviews, readers=[]) == []


async def test_lists_are_narrowed_by_status_and_stage(overviews: Overviews) -> None:
    assert await ids(overviews, status=Status.closed) == ["k5"]
    assert await ids(overviews, stage=Stage.review, readers=["person:sato"]) == ["k4", "k2", "k0"]
    assert await ids(overviews, stage=Stage.review, status=Status.closed) == []


async def test_pages_join_without_gap_or_repetition(overviews: Overviews) -> None:
    seen: list[str] = []
    place = None
    while page := await overviews.cases(readers=None, after=place, limit=2):
        seen += [row.case_id for row in page]
        place = (page[-1].opened_at, page[-1].case_id)
    assert seen == ["k5", "k4", "k3", "k2", "k1", "k0"]


async def test_due_are_those_past_their_grace(overviews: Overviews) -> None:
    assert await overviews.due(START + 2 * HOUR, HOUR / 2) == ["k0", "k1"]
    assert await overviews.due(START + 2 * HOUR, timedelta(0)) == ["k0", "k1"]
    assert await overviews.due(START + 9 * HOUR, HOUR, limit=1) == ["k0"]
    assert await overviews.due(START, HOUR) == []


async def test_a_case_is_found_by_id(overviews: Overviews) -> None:
    row = await overviews.case("k2")
    assert row is not None
    assert (row.stage, row.readers, row.next_due_at) == (Stage.review, ("bank:b0", "person:sato"), START + 2 * HOUR)
    assert await overviews.case("k9") is None
