"""What an event in one stream means for others: the system's commands that carry it on."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.catalogue import dossiers
from domain.catalogue.companies import OrganizationMerged
from domain.catalogue.dossier_events import Dossier
from domain.envelope import Command, Event
from domain.stages.erasure import ErasureDecided, ErasureDecision, executing
from domain.stages.intake import NeedReferred
from domain.stages.merging import other_half, suspicions
from domain.stages.succession import following as succession
from domain.state import Case
from domain.streams import State
from store.cases import Cases
from store.connect import Store
from store.erasing import erase

FAR_REACHING: Final = frozenset(
    {
        *("MergeCases", "ConfirmDecision", "WithdrawConsent", "ChangeConsent", "MergeOrganizations"),
        *("ReleaseDossier", "SupersedeDossier", "DecideErasure", "ReferNeed", "OpenCase"),
    }
)
"""Commands whose events may have consequences."""
_OF_AN_OPENING: Final = frozenset({"CaseOpened", "CompanyConsentRecorded"})
_COMPARED: Final = 20
"""With how many of a company's open cases a new need is compared, the newest first."""


@dataclass(frozen=True)
class Consequences:
    """Finds what follows, in a store whose states *cases* keeps."""

    store: Store
    cases: Cases
    alike: Decimal | None = None
    """From which likeness on two needs of one company are suspected to be one; None: they are not compared."""

    async def of(self, state: State, event: Event) -> list[Command]:
        """The commands that follow from *event*, after which its stream stands at *state* or further.

        They may be given again and again: the same event has the same commands.
        """
        if isinstance(event.data, OrganizationMerged):
            return await self._of_merger(event, event.data.organization_id)
        if isinstance(event.data, NeedReferred) and isinstance(state, Case):
            return await self._of_need(state, event)
        if isinstance(event.data, ErasureDecided) and isinstance(state, Case):
            return await self._of_erasure(state, event.data)
        if event.type in _OF_AN_OPENING:
            return []
        half = other_half(state, event) if isinstance(state, Case) else None
        if half is not None:
            return [half]
        concerned = [state.entry_id] if isinstance(state, Dossier) else []
        if isinstance(state, Case):
            concerned = [one.entry_id for one in await self.store.entries.about(state.case_id)]
        found = (dossiers.consequence(event, one) for one in concerned)
        return [one for one in found if one is not None]

    async def _of_erasure(self, case: Case, decided: ErasureDecided) -> list[Command]:
        """An erasure that was approved is carried out here, and then told as done."""
        asked = case.erasures[decided.erasure_id]
        if decided.decision is not ErasureDecision.approved or asked.executed:
            return []
        destroyed = await erase(self.store, case.case_id, asked.subject)
        return [executing(case.case_id, decided.erasure_id, destroyed)]

    async def _of_merger(self, event: Event, organization_id: str) -> list[Command]:
        """Into every case that the organization reads, or has a dossier of."""
        cases = dict.fromkeys(await self.store.entries.cases_of_lender(organization_id))
        for kind in ("bank", "attached", "company", "institution"):
            cases |= dict.fromkeys(await self.store.overview.of_reader(f"{kind}:{organization_id}"))
        return [succession(event, case_id) for case_id in cases]

    async def _of_need(self, case: Case, event: Event) -> list[Command]:
        """A need is compared with those of the company's newest open cases."""
        if self.alike is None or case.company_id is None:
            return []
        rows = await self.store.overview.of_company(case.company_id, limit=_COMPARED)
        found = [await self.cases.at(one.case_id, one.version) for one in rows if one.case_id != case.case_id]
        return suspicions(case, [one for one in found if one], event, self.alike)
