"""Files by reference: the same bytes of one organization are one document."""

import asyncio
import hashlib

from store.connect import Store

PDF = b"%PDF-1.7\x00\xff"


async def test_what_was_kept_comes_back(store: Store) -> None:
    ref = await store.documents.keep(PDF, "application/pdf", "同意書.pdf", "b1")
    assert (ref.sha256, ref.bytes, ref.media_type) == (hashlib.sha256(PDF).hexdigest(), 10, "application/pdf")
    document = await store.documents.get(ref.document_id)
    assert document is not None
    assert (document.ref, document.content) == (ref, PDF)
    assert (document.file_name, document.org_id) == ("同意書.pdf", "b1")


async def test_the_same_bytes_of_one_organization_are_one_document(store: Store) -> None:
    refs = await asyncio.gather(*(store.documents.keep(PDF, "application/pdf", None, "b2") for _ in range(5)))
    assert len(set(refs)) == 1
    assert await store.documents.keep(PDF, "text/plain", "again", "b2") == refs[0]


async def test_an_id_tells_nobody_that_another_has_the_same_file(store: Store) -> None:
    ids = {(await store.documents.keep(PDF, "application/pdf", None, org)).document_id for org in ("b3", "b4")}
    assert len(ids) == 2


async def test_an_unknown_document_is_none(store: Store) -> None:
    assert await store.documents.get("doc_0") is None


async def test_an_empty_file_is_a_file(store: Store) -> None:
    ref = await store.documents.keep(b"", "text/plain", None, "b1")
    assert ref.bytes == 0
