"""Today's workflow code against the histories that Temporal still has of a case."""

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Replayer

from activities.contract import workflow_id
from workers.accounts import histories
from workers.case_worker import runner
from workers.settings import Settings, SettingsFault, connect_temporal
from workers.up.home import UpHome
from workflows.referral_case import ReferralCase


async def replay_workflow(settings: Settings, case_id: str) -> tuple[str, str | None]:
    """What the engine had of the case, in words, and what today's workflow does otherwise, None if nothing."""
    try:
        client = await engine(settings)
        found = await histories(client, workflow_id(case_id))
    except (RuntimeError, SettingsFault) as error:
        return f"not reached: {error}", None
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            return f"not reached: {error}", None
        return "has no history of it any more", None
    replayer = Replayer(workflows=[ReferralCase], data_converter=pydantic_data_converter, workflow_runner=runner(False))
    for history in found:
        result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        if result.replay_failure is not None:
            return "does not fit", f"run {history.run_id}: {result.replay_failure}"
    count = sum(len(one.events) for one in found)
    return f"{len(found)} runs with {count} events replayed", None


async def engine(settings: Settings) -> Client:
    """Temporal as the environment names it, or that of the running `hashi up`. Raises RuntimeError, SettingsFault."""
    home = UpHome.at(settings.home)
    address = home.servers().get("temporal_address") if settings.database_url is None and home.is_served() else None
    if address is not None:
        return await Client.connect(address, data_converter=pydantic_data_converter)
    return await connect_temporal(settings)
