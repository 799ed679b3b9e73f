"""Pushing to one endpoint of a lender, for as long as it exists: somebody always does it, whichever worker dies."""

from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.contract import DELIVERY_WORKFLOW, PUSH, WAKE_SIGNAL, Pushing

_MANY: Final = 100
"""Activities after which a run turns over."""
_ATTEMPT: Final = timedelta(minutes=15)
_SILENCE: Final = timedelta(seconds=15)
"""How long a worker may be silent before another one goes on."""
_RETRY: Final = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))


@workflow.defn(name=DELIVERY_WORKFLOW)
class LenderDelivery:
    """One endpoint: lets an activity push, again and again, until it says that it is over."""

    def __init__(self) -> None:
        """Begin a run."""
        self._is_woken = False

    @workflow.signal(name=WAKE_SIGNAL)
    def wake(self) -> None:
        """The endpoint was opened again: what an activity says that looked before does not count."""
        self._is_woken = True

    @workflow.run
    async def run(self, pushing: Pushing) -> None:
        """Go on until nothing is pushed to the endpoint any more; whoever opens it again starts this again."""
        for _ in range(_MANY):
            self._is_woken = False
            found = await workflow.execute_activity(
                PUSH,
                pushing,
                result_type=Pushing,
                start_to_close_timeout=_ATTEMPT,
                heartbeat_timeout=_SILENCE,
                retry_policy=_RETRY,
            )
            if found.is_over and not self._is_woken:
                return
        workflow.continue_as_new(pushing)
