"""An organization of a case goes on in another one: its references stay, the other one follows the case (script 10)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from domain.envelope import SYSTEM, Command, CommandData, Event, EventData, made_id
from domain.law import Ask, View, decides, evolves
from domain.records import Key
from domain.state import Case, Referral, changed
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
    return [OrganizationFollowed(**data.model_dump())] if data.organization_id in _organizations(case) else []


def _organizations(case: Case) -> set[str | None]:
    """Every organization that the state of *case* names."""
    return {
        *(case.company_id, case.seed_institution_id, case.referrer_id),
        *(one.bank_id for one in case.referrals),
        *(one.institution_id for one in case.assignments.values()),
        *(one.institution_id for one in case.agreements.values()),
        *(one.institution_id for one in case.inventions.values()),
        *(name for one in case.consents.values() for name in one.recipients),
    }


@evolves(OrganizationFollowed, bank=View.full)
def organization_followed(case: Case, fact: OrganizationFollowed, event: Event) -> Case:
    """The successor stands where the organization stood."""

    def today(org_id: Any) -> Any:
        return fact.successor_id if org_id == fact.organization_id else org_id

    return case.but(
        referrals=tuple(_renamed(one, fact, event.version) for one in case.referrals),
        company_id=today(case.company_id),
        seed_institution_id=today(case.seed_institution_id),
        referrer_id=today(case.referrer_id),
        officers={today(bank): person for bank, person in case.officers.items()},
        cancellations=tuple(changed(one, org_id=today(one.org_id)) for one in case.cancellations),
        nda_parties=_all(today, case.nda_parties),
        consents={key: changed(one, recipients=_all(today, one.recipients)) for key, one in case.consents.items()},
        assignments={
            key: changed(one, institution_id=today(one.institution_id)) for key, one in case.assignments.items()
        },
        inventions={
            key: changed(one, institution_id=today(one.institution_id)) for key, one in case.inventions.items()
        },
        agreements={
            key: changed(one, institution_id=today(one.institution_id), parties=_all(today, one.parties))
            for key, one in case.agreements.items()
        },
    )


def _all(today: Callable[[str], str], names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(today(name) for name in names))


def _renamed(one: Referral, fact: OrganizationFollowed, version: int) -> Referral:
    """The bank's referral under its new id; where it had another in the case, both go on, each by its own name."""
    if one.bank_id != fact.organization_id:
        return one
    return changed(one, bank_id=fact.successor_id, formerly=(*one.formerly, (version - 1, one.bank_id)))  # type: ignore[no-any-return]
