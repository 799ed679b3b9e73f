"""Files that events refer to by id and SHA-256."""

import hashlib
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from store.pool import Pool, rows
from store.sealing import Seals
from store.tables import documents
from store.vault import Vault

_TABLE: Final = documents.c


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

    async def get(self, document_id: str) -> Document | None:
        """The document *document_id* with its content, None when there is none or its content was erased."""
        found = await rows(self._pool, select(documents).where(_TABLE.document_id == document_id))
        if not found:
            return None
        row = found[0]
        ref = DocumentRef(document_id, row["sha256"], row["bytes"], row["media_type"])
        veil = (await self._vault.reading([subject_of(document_id)]))[subject_of(document_id)]
        content = veil.unseal(row["content"], document_id)
        return None if content is None else Document(ref, row["file_name"], row["org_id"], content)
