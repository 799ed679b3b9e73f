"""The workflow of a case after a careless change, for the proof that replaying finds such changes."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.contract import CASE_WORKFLOW, CaseStart

from workflows.referral_case import ReferralCase


@workflow.defn(name=CASE_WORKFLOW)
class ChangedCase(ReferralCase):
    """A case that rests before it begins."""

    @workflow.init
    def __init__(self, start: CaseStart) -> None:
        """Begin as before."""
        super().__init__(start)

    @workflow.run
    async def run(self, start: CaseStart) -> int:
        """Rest, then go on as before."""
        await workflow.sleep(timedelta(seconds=1))
        return await super().run(start)
