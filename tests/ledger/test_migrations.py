"""The schema's history leads to the tables of the code, from anywhere, by anyone, once."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import migrations

Run = Callable[..., Awaitable[list[tuple[object, ...]]]]
ROOT = Path(__file__).parent.parent.parent
UPGRADE = "import sys, migrations; migrations.upgrade(sys.argv[1])"


async def upgrade(url: str) -> int:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", UPGRADE, url, cwd=ROOT, env=dict(os.environ))
    return await process.wait()


def test_a_migrated_database_has_the_tables_of_the_code(url: str) -> None:
    assert migrations.check(url) == []
    assert migrations.current(url) == migrations.head()


def test_upgrading_again_changes_nothing(url: str) -> None:
    migrations.upgrade(url)
    assert migrations.check(url) == []


async def test_several_may_upgrade_at_once(new_database: Callable[[str | None], Awaitable[str]]) -> None:
    one, other = await new_database(None), await new_database(None)
    assert await asyncio.gather(upgrade(one), upgrade(one), upgrade(other)) == [0, 0, 0]
    assert migrations.check(one) == migrations.check(other) == []


async def test_an_empty_database_is_told_what_to_run(new_database: Callable[[str | None], Awaitable[str]]) -> None:
    [problem] = migrations.check(await new_database(None))
    assert "hashi db upgrade" in problem


async def test_what_was_changed_by_hand_is_found(new_database: Callable[[], Awaitable[str]], as_owner: Run) -> None:
    url = await new_database()
    await as_owner(
        url,
        "ALTER TABLE hashi.commands ADD COLUMN plain_body text",
        "ALTER TABLE hashi.events DISABLE TRIGGER keep_events",
        "GRANT INSERT ON hashi.events TO hashi_app",
    )
    problems = " ".join(migrations.check(url))
    assert "plain_body" in problems
    assert "switched off" in problems
    assert "hashi_app may write" in problems
