"""Which organizations, people and documents a decision may look up: those the command names and those of the case."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from domain.catalogue.dossier_events import Dossier
from domain.catalogue.researchers import Researcher
from domain.catalogue.seeds import Seed
from domain.documents import walk
from domain.envelope import Command
from domain.state import Case
from domain.streams import State

_NAMES: Final = frozenset(
    {
        *("org", "company", "corporate_number", "person", "researcher", "licensor"),
        *("document", "report", "final_report", "answer_doc", "co_owner_consent"),
    }
)
_ELSEWHERE: Final = {
    **dict.fromkeys(("case_id", "surviving_case_id", "absorbed_case_id"), "case"),
    **{"seed_id": "seed", "exchange_event_id": "exchange-event"},
}
_OF_AN_ORGANIZATION: Final = frozenset({"RegisterCompany", "RegisterInstitution", "MergeOrganizations"})
"""Commands to an entry that is an organization of the directory."""
_LISTS: Final = frozenset({"evidence", "documents"})


def mentioned(state: State | None, command: Command) -> frozenset[str]:
    """The ids to look up before *command* is decided."""
    found = {command.actor.org_id, command.actor.person, *command.evidence}
    if command.on_behalf_of:
        found.add(command.on_behalf_of)
    found.update(_ids(command.data.model_dump(exclude_none=True)))
    if command.name in _OF_AN_ORGANIZATION:
        found.add(command.case_id)
    if isinstance(state, Dossier):
        found.add(state.lender_id)
    if isinstance(state, Researcher):
        found.add(state.institution_id)
    if isinstance(state, Seed) and state.body.institution_id:
        found.add(state.body.institution_id)
    if isinstance(state, Case):
        case = state
        found.update(one.institution_id for one in case.assignments.values())
        found.update(one.institution_id for one in case.agreements.values() if one.institution_id)
        for proposal in case.proposals.values():
            found.update(_ids(proposal.data))
    return frozenset(found)


def other_streams(state: State | None, command: Command) -> frozenset[str]:
    """The other streams that *command*, or a proposal it may confirm, looks into: cases, and a case's seed."""
    bodies: list[Mapping[str, Any]] = [command.data.__dict__]
    if isinstance(state, Dossier):
        bodies.append({"case_id": state.case_id})
    if isinstance(state, Case):
        bodies += [proposal.data for proposal in state.proposals.values()]
    found = set()
    for body in bodies:
        for name, stream in _ELSEWHERE.items():
            if isinstance(body.get(name), str):
                found.add(f"{stream}-{body[name]}")
    return frozenset(found)


def _ids(body: Mapping[str, Any]) -> Iterable[str]:
    for pointer, value in walk(body, ""):
        parts = pointer.split("/")
        name = parts[-2] if parts[-1].isdigit() else parts[-1]
        if name.endswith(("_id", "_ids")) or name in _NAMES or name in _LISTS:
            yield value
