"""The paper on stages says what the law says."""

import pytest
from stage_table import CASES, PAPER, columns, table

from domain.terms import Stage


def test_every_stage_has_its_case() -> None:
    assert list(CASES) == list(Stage)
    assert [story.state.stage for story in columns().values()][: len(Stage)] == list(Stage)


def test_the_table_of_stages_is_up_to_date() -> None:
    said, is_said = PAPER.read_text(encoding="utf-8").splitlines(), table().splitlines()
    differing = [now for was, now in zip(said, is_said, strict=False) if was != now]
    if said != is_said:
        pytest.fail("python tests/rules/stage_table.py writes it anew; now:\n" + "\n".join(differing))
