"""Pushing a lender's feed to its webhook: in order for each case, again over three days, with consent asked each time.

One activity pushes to one endpoint for some minutes and looks at it anew each second, or when the feed rings; a worker
that dies is replaced within seconds. What was taken by the receiver and not yet noted is pushed again: at least once.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from secrets import token_urlsafe
from typing import Any, Final
from uuid import uuid4

import structlog
from temporalio import activity

from activities.contract import PUSH, VERIFICATION, Pushing
from activities.webhooks import Outcome, Webhooks
from domain.calendar import japanese_day
from domain.cloud_events import instant
from domain.envelope import CENTER, Organization
from domain.notices import Addressee, Notice, NoticeKind
from domain.terms import Role
from store.connect import Store, StoreUnreachable
from store.deliveries import Delivery, Fate
from store.endpoints import Endpoint, Payload, Stand
from store.lead import alone
from store.notices import adding
from store.pool import rows

_LEASE: Final = 300.0
"""Seconds after which an activity gives its endpoint back, so that workers share and histories stay short."""
_LOOK: Final = 1.0
_AT_ONCE: Final = 16
"""Cases whose events go out to one endpoint at the same time."""
_IN_A_ROW: Final = 20
"""Events of one case before another case has its turn."""
_GATHER: Final = 0.02
"""Seconds after something happened in which more may, before all is looked at again."""
_TOLD_AFTER: Final = timedelta(minutes=5)
"""How long an endpoint must have failed for its recovery to be worth a notice."""
_THICK: Final = frozenset({"data", "datacontenttype", "actorrole"})

log = structlog.get_logger("delivery")


class LenderPush:
    """The activity that pushes; *address* is where lenders reach the gateway."""

    def __init__(self, store: Store, webhooks: Webhooks, *, address: str = "", lease: float = _LEASE) -> None:
        self._store = store
        self._webhooks = webhooks
        self._address = address
        self._lease = lease

    @activity.defn(name=PUSH)
    async def push(self, pushing: Pushing) -> Pushing:
        """Push for a while; says whether it is over. Raises StoreUnreachable: try again."""
        endpoint_id = pushing.endpoint_id
        async with alone(self._store.url, f"push {endpoint_id}") as lock:
            if lock is None:  # one that was taken for dead still has it
                await asyncio.sleep(_LOOK)
                return pushing
            end = _now() + self._lease
            sending: dict[str, asyncio.Task[None]] = {}
            try:
                while _now() < end:
                    activity.heartbeat()
                    await lock.hold()
                    if await self._look(endpoint_id, sending):
                        return Pushing(endpoint_id=endpoint_id, is_over=True)
            finally:
                await _end(sending)
        return pushing

    async def _look(self, endpoint_id: str, sending: dict[str, asyncio.Task[None]]) -> bool:
        """Do what is due, and wait for more; says whether it is over."""
        endpoint = await self._store.endpoints.find(endpoint_id)
        if endpoint is None or endpoint.status in {Stand.suspended, Stand.gone}:
            return True
        ring = self._store.hearing.next(endpoint.lender_id)
        if endpoint.status is Stand.pending:
            await self._verify(endpoint)
        else:
            lender = await self._store.directory.organization(endpoint.lender_id)
            assert lender is not None
            await self._store.deliveries.plan(endpoint_id)
            for case_id in await self._store.deliveries.due(endpoint_id, sending, _AT_ONCE - len(sending)):
                sending[case_id] = asyncio.create_task(self._send_case(endpoint, lender, case_id))
        await _some(sending, ring)
        return False

    async def _send_case(self, endpoint: Endpoint, lender: Organization, case_id: str) -> None:
        """Push what waits of a case, one event after the other, until one is not taken."""
        for one in await self._store.deliveries.next(endpoint.endpoint_id, case_id, _IN_A_ROW):
            if not await self._send(endpoint, lender, one):
                return

    async def _send(self, endpoint: Endpoint, lender: Organization, one: Delivery) -> bool:
        """Push one event, as it may be read at this moment, and note what became of it: whether the next may go."""
        deliveries, endpoint_id = self._store.deliveries, endpoint.endpoint_id
        [fed] = await self._store.feeds.read(lender, one.number - 1, 1)
        if fed.event is None:
            await deliveries.end(endpoint_id, one.number, Fate.withheld)
            return True
        told = self._told(endpoint, await self._store.feeds.told(lender, fed))
        outcome = await self._push(endpoint, str(told["id"]), told)
        if outcome.failure is None:
            await deliveries.end(endpoint_id, one.number, Fate.sent)
            if endpoint.failing_since is not None or one.attempts:
                await self._note_recovery(endpoint)
            return True
        if outcome.is_gone:
            await self._stop(endpoint, Stand.gone, outcome.failure)
        else:
            await self._store.endpoints.failing(endpoint_id, outcome.failure)
            if not await deliveries.put_off(endpoint_id, one, outcome.failure, outcome.wait):
                await self._stop(endpoint, Stand.suspended, outcome.failure)
        return False

    async def _push(self, endpoint: Endpoint, message_id: str, told: Mapping[str, Any]) -> Outcome:
        secrets = await self._store.endpoints.secrets(endpoint)
        if not secrets:
            return Outcome("the endpoint was removed")
        body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
        return await self._webhooks.send(endpoint.url, message_id, body, secrets)

    def _told(self, endpoint: Endpoint, event: Mapping[str, Any]) -> dict[str, Any]:
        if endpoint.payload is Payload.full:
            return dict(event)
        address = f"{self._address}/v1/feed/events/{event['id']}"
        return {name: value for name, value in event.items() if name not in _THICK} | {"dataref": address}

    async def _verify(self, endpoint: Endpoint) -> None:
        """Ask the endpoint to answer a signed challenge, when it is time."""
        if not await self._store.endpoints.is_due(endpoint.endpoint_id):
            return
        challenge, message_id = token_urlsafe(32), str(uuid4())
        told = {
            "specversion": "1.0",
            "id": message_id,
            "type": VERIFICATION,
            "source": f"/feed/endpoints/{endpoint.endpoint_id}",
            "time": instant(endpoint.now),
            "datacontenttype": "application/json",
            "data": {"challenge": challenge},
        }
        outcome = await self._push(endpoint, message_id, told)
        failure = outcome.failure or _unanswered(outcome.body, challenge)
        if failure is None:
            await self._store.endpoints.verified(endpoint.endpoint_id)
            log.info("endpoint_verified", name=endpoint.endpoint_id)
        elif not await self._store.endpoints.unverified(endpoint, failure):
            await self._stop(endpoint, Stand.suspended, failure)

    async def _note_recovery(self, endpoint: Endpoint) -> None:
        failed_for = await self._store.endpoints.recovered(endpoint.endpoint_id)
        if failed_for is not None and failed_for >= _TOLD_AFTER:
            log.info("endpoint_recovered", name=endpoint.endpoint_id)
            await self._tell(endpoint, NoticeKind.feed_recovered)

    async def _stop(self, endpoint: Endpoint, status: Stand, failure: str) -> None:
        await self._tell(endpoint, NoticeKind.feed_suspended)  # first: who dies in between tells it again, once
        if await self._store.endpoints.stop(endpoint.endpoint_id, status, failure):
            log.warning("endpoint_stopped", name=endpoint.endpoint_id, status=status.value, fault=failure)

    async def _tell(self, endpoint: Endpoint, kind: NoticeKind) -> None:
        """Tell the lender's officers and the operators, of one thing once a day."""
        now = await self._store.clock.now()
        to = (Addressee(Role.lender_officer, endpoint.lender_id), Addressee(Role.administrator, CENTER))
        about = f"{endpoint.endpoint_id}:{kind}:{japanese_day(now)}"
        told = [(about, endpoint.endpoint_id, now, Notice(kind, one)) for one in to]
        if found := await self._store.notices.rows_of(told, now):
            await rows(self._store.pool, adding(found))


def _unanswered(body: bytes, challenge: str) -> str | None:
    """What is wrong with the answer to *challenge*: it says the same."""
    try:
        answered = json.loads(body)
    except ValueError:
        answered = None
    if isinstance(answered, dict) and answered.get("challenge") == challenge:
        return None
    return 'the challenge was not answered with {"challenge": …}, the same word'


async def _some(sending: dict[str, asyncio.Task[None]], ring: asyncio.Event) -> None:
    """Wait until something is sent, something comes, or a second has passed. Raises what a sending raised."""
    waiting = asyncio.ensure_future(ring.wait())
    try:
        done, _ = await asyncio.wait([*sending.values(), waiting], timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
        if done and len(sending) > 1:
            await asyncio.sleep(_GATHER)
    finally:
        waiting.cancel()
    for case_id in [case_id for case_id, task in sending.items() if task.done()]:
        sending.pop(case_id).result()


async def _end(sending: dict[str, asyncio.Task[None]]) -> None:
    for task in sending.values():
        task.cancel()
    for result in await asyncio.gather(*sending.values(), return_exceptions=True):
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError | StoreUnreachable):
            raise result


def _now() -> float:
    return asyncio.get_running_loop().time()
