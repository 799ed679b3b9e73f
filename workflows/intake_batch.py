"""A batch of needs in time: stretch after stretch of its rows, until none is left or somebody cancels it.

The workflow knows no rule and no row: the store says which rows wait and whether to go on, and what became of each.
"""

from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.contract import COMMIT_ROWS, INTAKE_WORKFLOW, BatchStart, Stretch

_STRETCHES: Final = 40
"""After so many a new run goes on: 1,000 rows, some 250 entries of history."""
_LONGEST: Final = timedelta(minutes=10)
_SILENT: Final = timedelta(seconds=8)
"""After so long without a sign of life another worker takes the stretch over."""
_RETRY: Final = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))


@workflow.defn(name=INTAKE_WORKFLOW)
class IntakeBatch:
    """One batch, from its commit to its last row."""

    @workflow.run
    async def run(self, start: BatchStart) -> Stretch:
        """Commit the rows that wait; returns how far it came."""
        for _ in range(_STRETCHES):
            stretch: Stretch = await workflow.execute_activity(
                COMMIT_ROWS,
                start.batch_id,
                result_type=Stretch,
                start_to_close_timeout=_LONGEST,
                heartbeat_timeout=_SILENT,
                retry_policy=_RETRY,
                summary="rows",
            )
            workflow.set_current_details(f"**{stretch.state}**: {stretch.settled} settled, {stretch.left} left")
            if stretch.state != "committing":
                return stretch
        workflow.continue_as_new(
            start, initial_versioning_behavior=workflow.ContinueAsNewVersioningBehavior.AUTO_UPGRADE
        )
