"""Files that events refer to by id and SHA-256."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from store.desk import stream_of
from store.pool import Place, Pool, Seen, fetch, rows
from store.sealing import Seals
from store.tables import documents
from store.vault import Vault

_TABLE: Final = documents.c
_NAMED: Final = """
SELECT document_id, file_name FROM hashi.documents
WHERE org_id = %(org)s AND content <> ''::bytea AND (document_id = ANY(%(names)s) OR file_name = ANY(%(names)s))
"""


def subject_of(document_id: str) -> str:
    """The name under which the key of a document's content is kept."""
    return f"document-{document_id}"


@dataclass(frozen=True)
class DocumentRef:
    """A file by reference: `sha256` in hexadecimal, `bytes` its length."""

    document_id: str
    sha256: str
    bytes: int
    media_type: str


@dataclass(frozen=True)
class Document:
    """A file with its content."""

    ref: DocumentRef
    file_name: str | None
    org_id: str
    content: bytes


class Documents:
    """Keeps files. Every method raises StoreUnreachable when the database is away."""

    def __init__(self, pool: Pool, seals: Seals, vault: Vault) -> None:
        self._pool = pool
        self._seals = seals
        self._vault = vault

    async def keep(self, content: bytes, media_type: str, file_name: str | None, org_id: str) -> DocumentRef:
        """Keep *content* for *org_id*; the same bytes of the same organization are one document, as first named."""
        digest = hashlib.sha256(content).hexdigest()
        document_id = self._seals.document_id(org_id, digest)
        values = {
            "document_id": document_id,
            "sha256": digest,
            "bytes": len(content),
            "media_type": media_type,
            "file_name": file_name,
            "org_id": org_id,
            "content": (await self._vault.writing(subject_of(document_id))).seal(content, document_id),
        }
        await rows(self._pool, insert(documents).values(values).on_conflict_do_nothing())
        kept = select(_TABLE.document_id, _TABLE.sha256, _TABLE.bytes, _TABLE.media_type)
        return DocumentRef(**(await rows(self._pool, kept.where(_TABLE.document_id == document_id)))[0])

    async def named(self, org_id: str, names: Collection[str]) -> dict[str, list[str]]:
        """The ids of the organization's documents that each of *names* means: an id, or the name of a file."""
        found: dict[str, list[str]] = {}
        for document_id, file_name in await fetch(Seen(self._pool), _NAMED, {"org": org_id, "names": list(names)}):
            for name in {document_id, file_name} & {*names}:
                found.setdefault(name, []).append(document_id)
        return found

    async def issued(self, case_id: str, sha256: str) -> Document | None:
        """What a dossier of the case said, by its content hash; None where there is none or it was erased."""
        return await self._get(self._pool, self._seals.document_id(stream_of(case_id), sha256))

    async def keep_issued(self, case_id: str, content: bytes, file_name: str) -> DocumentRef:
        """Keep what a dossier of the case says; it belongs to the case, and is erased with its texts."""
        return await self.keep(content, "application/json", file_name, stream_of(case_id))

    async def of(self, org_id: str) -> list[str]:
        """The ids of the documents that belong to *org_id*."""
        statement = select(_TABLE.document_id).where(_TABLE.org_id == org_id).order_by(_TABLE.document_id)
        return [str(row["document_id"]) for row in await rows(self._pool, statement)]

    async def get(self, document_id: str) -> Document | None:
        """The document *document_id* with its content, None when there is none or its content was erased."""
        return await self._get(Seen(self._pool), document_id)

    async def _get(self, place: Place, document_id: str) -> Document | None:
        found = await rows(place, select(documents).where(_TABLE.document_id == document_id))
        if not found:
            return None
        row = found[0]
        ref = DocumentRef(document_id, row["sha256"], row["bytes"], row["media_type"])
        veil = (await self._vault.reading([subject_of(document_id)]))[subject_of(document_id)]
        content = veil.unseal(row["content"], document_id)
        return None if content is None else Document(ref, row["file_name"], row["org_id"], content)
