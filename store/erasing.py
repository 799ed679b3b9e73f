"""Erasure: the key of a case's secrets is destroyed and every other copy purged; the events and their hashes stay.

What a backup holds is unreadable with the key: the key table is not part of the events' backups, and a destroyed key
is not in any copy made after it (`docs/production.md`). A person is erased by name and address; their id stays.
"""

from collections.abc import Sequence
from typing import Final

from domain.documents import documents_in
from domain.envelope import Event
from domain.stages.erasure import CASE_TEXTS
from store.connect import Store
from store.documents import subject_of
from store.pool import fetch

_PURGE_CASE: Final = "SELECT hashi.purge_case(%s, %s)"
_PURGE_PERSON: Final = "SELECT hashi.purge_person(%s)"


async def erase(store: Store, case_id: str, subject: str) -> int:
    """Erase *subject*: the texts of the case, or a person; returns how many keys were destroyed.

    It may be done again after a crash at any moment. Raises StoreUnreachable.
    """
    if subject != CASE_TEXTS:
        await fetch(store.pool, _PURGE_PERSON, [subject])
        return 0
    stream = f"case-{case_id}"
    documents = sorted({*_cited(await store.ledger.read(stream)), *await store.documents.of(stream)})
    destroyed = await store.vault.destroy(stream)
    for document_id in documents:
        destroyed += await store.vault.destroy(subject_of(document_id))
    destroyed += await store.batches.forget_case(case_id)
    await fetch(store.pool, _PURGE_CASE, [case_id, documents])
    return destroyed


def _cited(events: Sequence[Event]) -> set[str]:
    named = {document_id for event in events for document_id in documents_in(event.data)}
    return named | {one.document_id for event in events for one in event.evidence}
