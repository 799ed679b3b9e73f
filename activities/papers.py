"""What a dossier's issue asks of the part that renders: the one seam between the law and the pages."""

from datetime import datetime
from typing import Protocol

from domain.catalogue.dossier_events import Dossier
from domain.envelope import Paper
from domain.state import Case


class Papers(Protocol):
    """Renders dossiers and keeps their bytes."""

    async def render(self, dossier: Dossier, case: Case, at: datetime) -> Paper:
        """The next version of *dossier*, from the events of *case* up to its version, as issued *at* this moment.

        Its bytes are kept before this returns, under the hash of the paper. The issue may fail after that, or be tried
        again: the same arguments give the same paper, and a paper that was never issued does no harm.
        """
