"""Which case a step acts on: the one it picks, else the one opened last, and after a merge where that one lives on."""

from collections.abc import Iterable
from typing import Final

from domain.terms import Role
from workers.play.expect import Happened
from workers.play.script import Script, Step

_DECIDING: Final = frozenset({"ConfirmDecision", "RejectDecision"})


class ActedOn:
    """Follows the cases of one performance."""

    def __init__(self, script: Script) -> None:
        self._people = script.people
        self.opened: str | None = None
        """The case opened last."""
        self._banks: dict[str, str] = {}
        """The bank that referred a case."""
        self._merged: dict[str, str] = {}
        """The case in which a merged one lives on."""
        self._decisions: dict[str, str] = {}
        """The last proposal of each case, the newest last."""

    def by(self, step: Step) -> str | None:
        """The case of *step*; a decision is taken where it was proposed. None before a case is open."""
        if step.case is not None:
            return step.case
        if step.do in _DECIDING and self._decisions:
            return next(reversed(self._decisions))
        return self._mine(step) if step.actor or step.passes_time else self.opened

    def _mine(self, step: Step) -> str | None:
        """The case opened last under the name it has for who acts: each bank knows it as its own referral."""
        names = [self.opened] if self.opened else []
        while names and names[-1] in self._merged:
            names.append(self._merged[names[-1]])
        person = self._people.get(step.actor or "")
        if person and person.role is Role.bank_officer:
            return next((one for one in names if self._banks.get(one) == person.org), self.opened)
        return names[-1] if names else None

    def seen_in(self, step: Step, case_id: str | None) -> str | None:
        """The case in which an act of *step* on *case_id* shows: a bank's own id stands for where its case lives on."""
        person = self._people.get(step.actor or "")
        while step.do and case_id in self._merged and person and person.role is Role.bank_officer:
            case_id = self._merged[case_id]
        return case_id

    def open(self, case_id: str, actor: str) -> None:
        """Note that *actor* opened a case."""
        self.opened = case_id
        person = self._people.get(actor)
        if person and person.role is Role.bank_officer:
            self._banks[case_id] = person.org

    def proposal(self, step: Step, case_id: str | None) -> str | None:
        """The proposal that *step* decides on unless it says another."""
        return self._decisions.get(case_id or "") if step.do in _DECIDING else None

    def note(self, case_id: str, news: Iterable[Happened]) -> str | None:
        """Note what *news* of a case says of proposals and mergers; returns the last proposal, if there was one."""
        made = None
        for one in news:
            if one.kind == "DecisionProposed":
                self._decisions.pop(case_id, None)
                made = self._decisions[case_id] = str(one.data["proposal_id"])
            elif one.kind == "CaseMergedInto":
                self._merged[case_id] = str(one.data["surviving_case_id"])
            elif one.kind == "ReferralAttached" and "absorbed_case_id" in one.data:
                self._merged[str(one.data["absorbed_case_id"])] = case_id
            elif one.kind == "CaseReopened":
                self._merged.pop(case_id, None)
        return made
