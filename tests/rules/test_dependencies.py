"""What is installed to run is all that running needs: what only the tests have is imported by none of ours."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOLD = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
OURS = TOLD["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
PEERS = {"eventsourcing", "orjson"}
"""What `make bench-peers` installs, and a benchmark leaves out where it is missing."""


def imported(source: str) -> Iterator[str]:
    """The top-level packages that *source* imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_import_of_ours_is_among_the_pinned_requirements() -> None:
    pinned = re.findall(
        r"^([a-z0-9][\w.-]*)==", (ROOT / "requirements" / "runtime.txt").read_text("utf-8"), re.MULTILINE
    )
    there = {plain(one) for one in pinned}
    providers = packages_distributions()
    wanted = {
        package
        for folder in OURS
        for path in (ROOT / folder).rglob("*.py")
        for package in imported(path.read_text("utf-8"))
        if package not in sys.stdlib_module_names and package not in {*OURS, *PEERS}
    }
    assert "psycopg" in wanted
    assert {one for one in wanted if not there & {plain(name) for name in providers.get(one, [])}} == set()
