"""An organization of a case goes on in another one: its references stay, the other one follows the case (script 10)."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from domain.envelope import SYSTEM, Command, CommandData, Event, EventData, made_id
from domain.law import Ask, View, decides, evolves
from domain.records import Key
from domain.state import Case, changed
from domain.terms import Role


class OrganizationFollowed(EventData):
    """One organization of the case took the place of another that merged into it."""

    organization_id: Key
    successor_id: Key


class FollowOrganization(CommandData):
    """The merger's command to each case of the organization."""

    example: ClassVar[Mapping[str, Any]] = {"organization_id": "old-bank", "successor_id": "new-bank"}
    organization_id: Key
    successor_id: Key


def following(event: Event, case_id: str) -> Command:
    """The command that carries the merger *event* into one case; the same merger has the same command."""
    data = FollowOrganization(
        organization_id=event.data.model_dump()["organization_id"],
        successor_id=event.data.model_dump()["successor_id"],
    )
    command_id = made_id("follow", f"{event.event_id}:{case_id}")
    return Command(command_id=command_id, case_id=case_id, name="FollowOrganization", data=data, actor=SYSTEM)


@decides(FollowOrganization, by={Role.system}, when_closed=True, without_consent=True)
def follow_organization(case: Case, data: FollowOrganization, ask: Ask) -> Iterable[EventData]:
    """Only where the organization has a part in the case."""
    mine = {case.company_id, *(one.bank_id for one in case.referrals)}
    return [OrganizationFollowed(**data.model_dump())] if data.organization_id in mine else []


@evolves(OrganizationFollowed, bank=View.full)
def organization_followed(case: Case, fact: OrganizationFollowed, event: Event) -> Case:
    """The successor stands where the organization stood; a bank that follows the case already follows it once."""
    old, new = fact.organization_id, fact.successor_id
    known = {one.bank_id for one in case.referrals}
    referrals = []
    for one in case.referrals:
        if one.bank_id == new and old in known:
            continue
        also = next((other.referral_id for other in case.referrals if other.bank_id == new), None)
        changes: dict[str, Any] = {"bank_id": new, **({"also": (*one.also, also)} if also else {})}
        referrals.append(changed(one, **changes) if one.bank_id == old else one)
    return case.but(
        referrals=tuple(referrals),
        company_id=new if case.company_id == old else case.company_id,
        officers={new if bank == old else bank: person for bank, person in case.officers.items()},
        cancellations=tuple(changed(one, org_id=new) if one.org_id == old else one for one in case.cancellations),
    )
