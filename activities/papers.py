"""What a dossier's issue asks of the part that renders: the one seam between the law and the pages."""

from datetime import datetime
from typing import Protocol

from domain.canonical import canonical
from domain.catalogue.dossier_events import Dossier
from domain.envelope import Paper
from domain.law import Refused
from domain.state import Case
from dossier.document import document_of, hash_of
from dossier.glyphs import NoGlyph, require_glyphs
from store.briefs import brief_of
from store.connect import Store


class Papers(Protocol):
    """Renders dossiers and keeps their bytes."""

    async def render(self, dossier: Dossier, case: Case, at: datetime) -> Paper:
        """The next version of *dossier*, from the events of *case* up to its version, as issued *at* this moment.

        Its bytes are kept before this returns, under the hash of the paper. The issue may fail after that, or be tried
        again: the same arguments give the same paper, and a paper that was never issued does no harm.
        """


class Printer:
    """Papers made of the events in *store*, whose canonical JSON is kept there, sealed, as a document of the case."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def render(self, dossier: Dossier, case: Case, at: datetime) -> Paper:
        """The next version of *dossier*; what cannot be said or printed is a paper with its problem."""
        try:
            content, document = document_of(await brief_of(self._store, dossier, case, at))
            require_glyphs(document)
        except NoGlyph as error:
            return Paper(cut_off_version=case.version, content_hash="-", problem=str(error))
        except Refused as no:
            return Paper(cut_off_version=case.version, content_hash="-", problem=no.refusal.code)
        body = canonical(document)
        name = f"dossier-{dossier.entry_id}-v{content.brief.version}.json"
        await self._store.documents.keep_issued(case.case_id, body, name)
        return Paper(
            cut_off_version=case.version,
            content_hash=hash_of(body),
            template=content.brief.template,
            names=content.brief.names,
            lines={line.line_id: line.cites for one in content.sections for line in one.lines},
            reports=content.reports,
        )
