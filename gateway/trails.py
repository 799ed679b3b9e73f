"""What one reader follows under one id: a case, and for a bank also the case that its own was merged into.

Every other reader follows the case itself. A bank knows a case only by the id of its own referral; what happened in
the surviving case from the merge on joins the bank's own events, numbered on.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from domain.as_of import fold_true, true_at
from domain.envelope import Actor, Event
from domain.following import as_attached, as_own, attached, joined, news_of
from domain.state import Case, Referral
from domain.terms import Role
from domain.views import case_view, seen_events
from domain.visibility import is_party, referral_of, seen_version
from store.cases import Cases
from store.desk import Desk, stream_of

Limits: TypeAlias = Mapping[str, int]
"""The last versions to look at, by case; a case that is not named is not looked at."""
Shown: TypeAlias = tuple[int, Event, dict[str, Any], Case]
"""An event as the reader sees it: its number, what it says, and the state through which it is seen."""


@dataclass(frozen=True)
class Part:
    """One case on a trail, as the reader addresses it, and the cases it went on in, in order."""

    case: Case
    now: datetime
    """When it is looked at; for a reader who left it the time stands still."""
    before: Case | None = None
    """The state of the case before the reader came to it; None where the reader was there from the first."""
    onward: tuple["Part", ...] = ()
    today: Case | None = None
    """The newest state of the case, where this is an earlier one: what it hides today stays hidden."""

    def walk(self) -> Iterator["Part"]:
        """This part and all that follow from it, in order."""
        yield self
        for one in self.onward:
            yield from one.walk()


@dataclass(frozen=True)
class Trail:
    """What *actor* follows under the id *name*."""

    name: str
    actor: Actor
    own: Part

    @property
    def case(self) -> Case:
        """The state of the case in which it goes on today."""
        part = self.own
        while part.onward and part.onward[-1].case.case_id == part.case.merged_into:
            part = part.onward[-1]
        return part.case

    def through(self, case: Case) -> tuple[Referral, ...]:
        """Those referrals of *case*, the one in which it goes on today, by which the reader follows it."""
        mine = {one.referral_id for one in self.case.referrals}
        return tuple(one for one in case.referrals if one.referral_id in mine)

    @property
    def version(self) -> int:
        """How far the reader has counted."""
        return sum(seen_version(part.case, self.actor) for part in self.own.walk())

    @property
    def before(self) -> int:
        """How far the reader had counted outside of the case in which it goes on today."""
        return self.version - seen_version(self.case, self.actor)

    def view(self) -> dict[str, Any]:
        """The case as the reader may see it."""
        view = case_view(self.own.case, self.actor, self.own.now, self.own.today)
        onward = [part for part in self.own.walk() if part.before]
        shown = [case_view(news_of(part.case, part.before), self.actor, part.now) for part in onward if part.before]
        if not shown:
            return view
        view = joined(view, shown, goes_on=self.case is not self.own.case)
        return {**view, "case_id": self.name, "version": self.version}


class Trails:
    """Finds trails."""

    def __init__(self, cases: Cases, desk: Desk) -> None:
        self._cases = cases
        self._desk = desk

    async def find(self, name: str, actor: Actor, limits: Limits | None = None) -> Trail | None:
        """What *actor* follows under the id *name*, up to *limits*; None where there is nothing."""
        now, version = await self._desk.standing(stream_of(name))
        if not version:  # not there, or not shown to this reader, whatever is remembered of it
            return None
        case = await self._cases.at(name, limits.get(name, 0) if limits else version)
        return await self.along(case, actor, now, limits) if case else None

    async def along(self, case: Case, actor: Actor, now: datetime, limits: Limits | None = None) -> Trail | None:
        """What *actor* follows from *case* on at *now*; None where it is not theirs."""
        name = case.case_id
        if actor.role is not Role.bank_officer:
            return Trail(name, actor, Part(case, now)) if is_party(case, actor, now) else None
        case = as_own(case)
        referral = referral_of(case, actor.org_id)
        if referral is None:
            return None
        case, now = await self._frozen(case, referral, now)
        case = as_own(case)
        return Trail(name, actor, Part(case, now, None, await self._onward(case, name, now, limits)))

    async def _frozen(self, case: Case, referral: Referral, now: datetime) -> tuple[Case, datetime]:
        """*case* when *referral* ended, or as it is *now*."""
        if referral.until is None:
            return case, now
        frozen = await self._cases.at(case.case_id, min(referral.until, case.version))
        assert frozen is not None
        return frozen, frozen.updated_at

    async def _onward(self, case: Case, name: str, now: datetime, limits: Limits | None) -> tuple[Part, ...]:
        """The parts in which the referral that began as *name* went on after *case*."""
        found: list[Part] = []
        for place, case_id in enumerate(case.went_into):
            if limits is None:
                survivor = await self._cases.today(case_id)
            else:
                survivor = await self._cases.at(case_id, limits.get(case_id, 0))
            earlier = case.went_into[:place].count(case_id)
            referrals = attached(survivor, name)[earlier:] if survivor else ()
            if survivor and referrals:
                before = await self._cases.at(case_id, referrals[0].since - 1)
                part, moment = await self._frozen(survivor, referrals[0], now)
                part = as_attached(part, referrals[0])
                found.append(Part(part, moment, before, await self._onward(part, name, moment, limits)))
        return tuple(found)

    async def events(self, trail: Trail) -> list[Shown]:
        """Everything that happened on *trail*, as its reader sees it."""
        found = [(event, body, case) async for event, body, case in self._walked(trail.own, trail.actor)]
        if trail.actor.role is not Role.bank_officer:
            return [(event.version, event, body, case) for event, body, case in found]
        return [(number, *one) for number, one in enumerate(found, 1)]

    async def _walked(self, part: Part, actor: Actor) -> AsyncIterator[tuple[Event, dict[str, Any], Case]]:
        events = await self._cases.events(part.case.case_id, part.case.version)
        seen = {event.version: body for _, event, body in seen_events(events, actor, part.case, part.now)}
        onward = iter(part.onward)
        for event in events:
            if event.version in seen:
                yield event, seen[event.version], part.case
            if event.type == "CaseMergedInto" and actor.role is Role.bank_officer:
                following = next(onward, None)
                if following is not None:
                    async for one in self._walked(following, actor):
                        yield one

    async def at(self, trail: Trail, number: int) -> Trail | None:
        """*trail* when its reader had counted *number*; what came later and was not seen belongs to it."""
        if trail.actor.role is not Role.bank_officer:
            case = await self._cases.at(trail.name, min(number, trail.case.version + 1))
            known = case is not None and case.version == number and is_party(case, trail.actor, case.updated_at)
            part = Part(case, trail.own.now, today=trail.own.case) if case and known else None
            return Trail(trail.name, trail.actor, part) if part else None
        shown = await self.events(trail)
        if number > len(shown):
            return None
        limits = {part.case.case_id: part.case.version for part in trail.own.walk()}
        for _, event, _, case in reversed(shown[number:]):
            limits[case.case_id] = event.version - 1
        return await self.find(trail.name, trail.actor, limits)

    async def known_at(self, trail: Trail, moment: datetime) -> Trail | None:
        """*trail* as it was on record at *moment*; None where there was nothing of it for its reader."""
        ids = [part.case.case_id for part in trail.own.walk()]
        found = await self.find(trail.name, trail.actor, {one: await self._cases.known(one, moment) for one in ids})
        return replace(found, own=replace(found.own, today=trail.own.case)) if found else None

    async def true_at(self, trail: Trail, moment: datetime) -> Trail | None:
        """*trail* with what of it had come about by *moment*; None where there was nothing of it for its reader."""
        own, actor = trail.own, trail.actor
        case = await self._true(own.case, moment)
        if case is None or not is_party(case, actor, own.now):
            return None
        if actor.role is not Role.bank_officer:
            return replace(trail, own=replace(own, case=case, today=own.today or own.case))
        case, bank_id = as_own(case), actor.org_id
        then, known = referral_of(case, bank_id), referral_of(own.case, bank_id)
        if then is None or known is None or then.referral_id != known.referral_id:
            return None  # what it follows the case by now had not begun
        return replace(trail, own=replace(own, case=case, onward=await self._onward_true(own, moment)))

    async def _onward_true(self, part: Part, moment: datetime) -> tuple[Part, ...]:
        """The parts that *part* went on in, with what of each had come about by *moment*."""
        found = []
        for one in part.onward:
            case = await self._true(one.case, moment)
            through = {referral.referral_id for referral in one.case.referrals}
            referrals = [referral for referral in case.referrals if referral.referral_id in through] if case else []
            if case and referrals and one.before:
                before = await self._true(one.before, moment)
                onward = await self._onward_true(one, moment)
                found.append(Part(as_attached(case, referrals[0]), one.now, before, onward))
        return tuple(found)

    async def _true(self, case: Case, moment: datetime) -> Case | None:
        """What of *case* had come about by *moment*."""
        return fold_true(true_at(await self._cases.events(case.case_id, case.version), moment))
