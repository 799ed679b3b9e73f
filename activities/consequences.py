"""What an event in one stream means for others: the system's commands that carry it on."""

from typing import Final

from domain.catalogue import dossiers
from domain.catalogue.companies import OrganizationMerged
from domain.catalogue.dossier_events import Dossier
from domain.envelope import Command, Event
from domain.stages.erasure import ErasureDecided, ErasureDecision, executing
from domain.stages.merging import other_half
from domain.stages.succession import following as succession
from domain.state import Case
from domain.streams import State
from store.connect import Store
from store.erasing import erase

FAR_REACHING: Final = frozenset(
    {
        *("MergeCases", "ConfirmDecision", "WithdrawConsent", "ChangeConsent", "MergeOrganizations"),
        *("ReleaseDossier", "SupersedeDossier", "DecideErasure"),
    }
)
"""Commands whose events may have consequences."""


async def consequences(store: Store, state: State, event: Event) -> list[Command]:
    """The commands that follow from *event*, after which its stream stands at *state* or further.

    They may be given again and again: the same event has the same commands.
    """
    if isinstance(event.data, OrganizationMerged):
        return await _of_merger(store, event, event.data.organization_id)
    if isinstance(event.data, ErasureDecided) and isinstance(state, Case):
        return await _of_erasure(store, state, event.data)
    half = other_half(state, event) if isinstance(state, Case) else None
    if half is not None:
        return [half]
    concerned = [state.entry_id] if isinstance(state, Dossier) else []
    if isinstance(state, Case):
        concerned = [one.entry_id for one in await store.entries.about(state.case_id)]
    found = (dossiers.consequence(event, one) for one in concerned)
    return [one for one in found if one is not None]


async def _of_erasure(store: Store, case: Case, decided: ErasureDecided) -> list[Command]:
    """An erasure that was approved is carried out here, and then told as done."""
    asked = case.erasures[decided.erasure_id]
    if decided.decision is not ErasureDecision.approved or asked.executed:
        return []
    destroyed = await erase(store, case.case_id, asked.subject)
    return [executing(case.case_id, decided.erasure_id, destroyed)]


async def _of_merger(store: Store, event: Event, organization_id: str) -> list[Command]:
    """Into every case that the organization reads, or has a dossier of."""
    cases = dict.fromkeys(await store.entries.cases_of_lender(organization_id))
    for kind in ("bank", "attached", "company", "institution"):
        cases |= dict.fromkeys(await store.overview.of_reader(f"{kind}:{organization_id}"))
    return [succession(event, case_id) for case_id in cases]
