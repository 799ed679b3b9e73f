"""The relay: lets every follower of the events go on, as long as this process leads; seals the log; sends due mail.

Any number may run: one leads, another takes over within seconds. A follower that fails is tried again and holds up no
other; nothing is skipped.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Final

import structlog

from audit.log import LOG, seal
from audit.signing import Signer, signers_of
from store.cases import Cases
from store.connect import Store, StoreUnreachable
from store.feed import feeding
from store.follow import Follower, LedgerBroken
from store.lead import PERIOD, Bell, leading
from store.projections import asynchronous
from workers.mailer import MailServer, mail_for_ever
from workers.notifier import telling

_LONGEST_PAUSE: Final = 30.0
"""Seconds before a follower that failed is tried again, at most."""

_SEALING: Final = 0.4
"""Seconds between two looks whether there is something to seal: an event is sealed within one second."""
_GATHER: Final = 0.01
"""Seconds after an append in which a follower lets more events come, so that it handles them as one batch."""
_AGAIN: Final = 0.05
"""Seconds after which work that should end is cancelled again."""

log = structlog.get_logger("relay")


def followers(store: Store) -> list[Follower]:
    """Everybody who follows the events. A new one is a line here."""
    cases = Cases(store.ledger)
    return [LOG, telling(store, cases), feeding(store.ledger), *asynchronous(cases)]


async def relay_for_ever(
    url: str,
    store: Store,
    *,
    everybody: Sequence[Follower] | None = None,
    mail: MailServer | None = None,
    sealed_by: Sequence[Signer] = (),
) -> None:
    """Lead whenever nobody else does, until cancelled; an outage is logged and waited out.

    Checkpoints of the log are *sealed_by* those signers, or by keys that come from the master keys.
    """
    everybody = followers(store) if everybody is None else everybody
    signers = sealed_by or signers_of(store.seals)
    while True:
        try:
            async with leading(url) as lead:
                log.info("relay_leads", count=len(everybody))
                await _together(
                    lead.hold(),
                    *(_go_on(store, one, lead.bell) for one in everybody),
                    _seal_for_ever(store, signers),
                    *([mail_for_ever(mail, store)] if mail else []),
                )
        except StoreUnreachable as error:
            log.warning("relay_waits", error=type(error).__name__)
            await asyncio.sleep(PERIOD)


async def _together(*works: Coroutine[Any, Any, None]) -> None:
    """Do *works* side by side until one ends; raises what it raised, and ends the others first."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(*tasks)
    for one in tasks:
        if not one.cancelled():
            one.result()


async def end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel *tasks* until they have ended: a cancellation may get lost, wait_for of Python 3.11 swallows some."""
    while pending := [one for one in tasks if not one.done()]:
        for one in pending:
            one.cancel()
        await asyncio.wait(pending, timeout=_AGAIN)
    await asyncio.gather(*tasks, return_exceptions=True)


async def _go_on(store: Store, follower: Follower, bell: Bell) -> None:
    """Hand *follower* its batches as they come."""
    pause = PERIOD
    while True:
        heard = bell.next()
        try:
            handled = await store.following.step(follower)
        except Exception as error:  # whatever it is: nothing is skipped, and the others go on
            _tell(follower.name, error, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            continue
        pause = PERIOD
        if handled < follower.size:
            await _wait(heard)
            await asyncio.sleep(_GATHER)


async def _seal_for_ever(store: Store, signers: Sequence[Signer]) -> None:
    """Sign what was added to the log, twice a second."""
    pause = _SEALING
    while True:
        await asyncio.sleep(pause)
        try:
            await seal(store.pool, signers)
        except Exception as error:  # as above: tried again, and the others go on
            pause = min(2 * pause, _LONGEST_PAUSE)
            _tell("sealing", error, pause)
        else:
            pause = _SEALING


def _tell(name: str, error: Exception, pause: float) -> None:
    told = {"name": name, "again_in": pause, "error": type(error).__name__}
    if isinstance(error, StoreUnreachable):
        log.warning("follower_waits", **told)
    elif isinstance(error, LedgerBroken):
        log.error("follower_stopped", **told, fault=str(error))
    else:
        log.error("follower_failed", **told, exc_info=error)


async def _wait(ring: asyncio.Event) -> None:
    """Wait for *ring*, at most PERIOD."""
    try:
        async with asyncio.timeout(PERIOD):
            await ring.wait()
    except TimeoutError:
        return
