"""The workflow of a case after careless changes, for the proof that replaying finds them, and after a careful one."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.contract import CASE_WORKFLOW, FALL_DUE, CaseStart, Reply, Standing

from workflows.referral_case import ReferralCase


@workflow.defn(name=CASE_WORKFLOW)
class RestingCase(ReferralCase):
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


@workflow.defn(name=CASE_WORKFLOW)
class CuriousCase(ReferralCase):
    """A case that looks into the store at its beginning."""

    @workflow.init
    def __init__(self, start: CaseStart) -> None:
        """Begin as before."""
        super().__init__(start)

    @workflow.run
    async def run(self, start: CaseStart) -> int:
        """Look, then go on as before."""
        await workflow.execute_local_activity(
            FALL_DUE, start.case_id, result_type=Reply, start_to_close_timeout=timedelta(seconds=3)
        )
        return await super().run(start)


@workflow.defn(name=CASE_WORKFLOW)
class SilentCase(ReferralCase):
    """A case that tells the engine no stage."""

    @workflow.init
    def __init__(self, start: CaseStart) -> None:
        """Begin as before."""
        super().__init__(start)

    @workflow.run
    async def run(self, start: CaseStart) -> int:
        """Go on as before."""
        return await super().run(start)

    def _take(self, standing: Standing | None) -> None:
        self._standing = standing or self._standing


@workflow.defn(name=CASE_WORKFLOW)
class PatchedCase(ReferralCase):
    """A case that rests before it begins, unless it began before cases did so."""

    @workflow.init
    def __init__(self, start: CaseStart) -> None:
        """Begin as before."""
        super().__init__(start)

    @workflow.run
    async def run(self, start: CaseStart) -> int:
        """Rest, if this run may, then go on as before."""
        if workflow.patched("rests-at-first"):
            await workflow.sleep(timedelta(seconds=1))
        return await super().run(start)
