"""A short random walk; `python tests/rules/random_walk.py 1000000 --jobs 2` walks long and prints what it reached."""

from random_walk import table, walk


def test_a_random_walk_breaks_nothing() -> None:
    reached = walk(1_500)
    assert (reached.faults, reached.asked.total()) == ({}, 1_500)
    assert 3 * reached.accepted.total() > reached.asked.total()
    assert "claims broken: -" in table(reached, 1.0)


def test_the_same_seed_walks_the_same_way() -> None:
    assert walk(200, seed=3) == walk(200, seed=3) != walk(200, seed=4)
