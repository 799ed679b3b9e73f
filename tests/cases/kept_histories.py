"""The store of recorded histories: for each release a folder, in it for each story a file with its runs, a line each.

To read one: `zcat tests/cases/histories/0.1.0/ceramics.jsonl.gz | sed -n 1p | python -m json.tool`.
"""

import gzip
import json
import re
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from workers.case_worker import runner
from workflows.intake_batch import IntakeBatch

FOLDER = Path(__file__).parent / "histories"
BREAKS = """
A case that {release} began cannot go on with this code: its workflow stops when the new code is started.
  story {story}, run {number}: {error}

The order of what a run does (timers, activities, signals, attributes, turning over) must stay what it was.
Either take the change back, or let both ways live side by side, and give the old one to the runs that began with it:
  if workflow.patched("what-changes"): the new way
  else: the old way, to be deleted when no history of a release without the patch is kept here any more
A run takes the new way once it has turned over. What does not fit a patch is done on deployments of workers side by
side (docs/production.md, "A new release"), and then every installation needs `hashi audit reconcile --repair`.
Never delete or record anew a history of a release to make this pass. See CONTRIBUTING.md, "Change a workflow".
"""


def stories() -> list[Path]:
    """All files of all releases, the oldest release first."""
    return sorted(FOLDER.glob("*/*.jsonl.gz"), key=lambda path: (_order(path.parent.name), path.name))


def releases() -> list[str]:
    """The releases of which histories are kept, the oldest first."""
    return sorted({path.parent.name for path in stories()}, key=_order)


def _order(release: str) -> tuple[tuple[int, ...], bool, str]:
    return tuple(int(one) for one in re.findall(r"\d+", release)[:3]), "dev" not in release, release


def kept(path: Path) -> Iterator[WorkflowHistory]:
    """The runs in the file *path*."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            yield WorkflowHistory.from_json(f"case-{path.name}-{number}", line)


def keep(release: str, story: str, histories: Sequence[WorkflowHistory]) -> None:
    """Write the runs of one story, without the name of this machine; the same runs give the same bytes."""
    lines = [json.dumps(one.to_json_dict(), separators=(",", ":"), sort_keys=True) + "\n" for one in histories]
    path = FOLDER / release / f"{story}.jsonl.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(lines).replace(socket.gethostname(), "recorder")
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    events = sum(len(one.events) for one in histories)
    print(f"{release}/{path.name}: {len(lines)} runs, {events} events, {path.stat().st_size} bytes")


async def require_replay(case: type, path: Path) -> int:
    """Go through every run in *path* again, a case with the workflow *case*; how many events. Fails with what to do."""
    workflows = [case, IntakeBatch]
    replayer = Replayer(workflows=workflows, data_converter=pydantic_data_converter, workflow_runner=runner(False))
    events = 0
    for number, history in enumerate(kept(path), 1):
        try:
            await replayer.replay_workflow(history)
        except (workflow.NondeterminismError, RuntimeError) as error:
            story = path.name.removesuffix(".jsonl.gz")
            told = BREAKS.format(release=path.parent.name, story=story, number=number, error=error)
            pytest.fail(told, pytrace=False)
        events += len(history.events)
    return events
