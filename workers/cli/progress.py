"""Long work shows how far it is: a bar on a terminal, nothing in a pipe."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import Progress

Tell: TypeAlias = Callable[[int, int], None]
"""Hears how much of how much is done."""


@contextmanager
def bar(title: str) -> Iterator[Tell]:
    """Shows what it is told on stderr, if that is a terminal."""
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task(title)
        yield lambda done, total: progress.update(task, completed=done, total=total)
