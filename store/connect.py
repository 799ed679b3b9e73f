"""The way in: open the store with its URL and keys, and everything that keeps something is at hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from domain.case import event_type
from store.absences import Absences
from store.accounts import Accounts
from store.batches import Batches
from store.cases import Cases
from store.clients import Clients
from store.clock import Clock
from store.codec import EventTypes
from store.deliveries import Deliveries
from store.desk import Desk
from store.directory import Directory
from store.documents import Documents
from store.endpoints import Endpoints
from store.entries import Entries
from store.feed import Feeds
from store.follow import Following
from store.hearing import Hearing
from store.keys import Keys
from store.ledger import Ledger
from store.notices import Notices
from store.overview import Overviews
from store.pool import Pool, StoreUnreachable, open_pool
from store.quotas import Quotas
from store.sealing import Seals
from store.sessions import Pauses, Sessions
from store.vault import Vault

__all__ = ["Pool", "Store", "StoreUnreachable", "open_pool"]


@dataclass(frozen=True)
class Store:
    """All parts of the store on one pool of connections."""

    url: str
    pool: Pool
    seals: Seals
    ledger: Ledger
    vault: Vault
    following: Following
    feeds: Feeds
    endpoints: Endpoints
    deliveries: Deliveries
    hearing: Hearing
    desk: Desk
    directory: Directory
    keys: Keys
    clients: Clients
    accounts: Accounts
    sessions: Sessions
    pauses: Pauses
    documents: Documents
    overview: Overviews
    entries: Entries
    notices: Notices
    absences: Absences
    batches: Batches
    quotas: Quotas
    clock: Clock

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, master_keys: list[bytes], *, size: int = 8, event_types: EventTypes = event_type
    ) -> AsyncIterator[Self]:
        """The store at the SQLAlchemy *url*, with at most *size* connections; appends under way end before it closes.

        Raises StoreUnreachable when the database does not answer, ValueError for unfit keys.
        """
        seals = Seals(master_keys)
        pool = await open_pool(url, size=size)
        try:
            vault = Vault(pool, seals)
            ledger = Ledger(pool, event_types, vault)
            store = cls(
                url=url,
                pool=pool,
                seals=seals,
                ledger=ledger,
                vault=vault,
                following=Following(pool, event_types),
                feeds=Feeds(pool, vault, Cases(ledger), event_types),
                endpoints=Endpoints(pool, seals),
                deliveries=Deliveries(pool),
                hearing=Hearing(url),
                desk=Desk(pool, seals),
                directory=Directory(pool),
                keys=Keys(pool),
                clients=Clients(pool),
                accounts=Accounts(pool, seals),
                sessions=Sessions(pool),
                pauses=Pauses(pool),
                documents=Documents(pool, seals, vault),
                overview=Overviews(pool),
                entries=Entries(pool),
                absences=Absences(pool),
                batches=Batches(pool, seals, vault),
                notices=Notices(pool, seals),
                quotas=Quotas(pool),
                clock=Clock(pool),
            )
            try:
                yield store
            finally:
                await store.hearing.close()
                await store.ledger.close()
        finally:
            await pool.close()
