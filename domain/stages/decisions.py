"""Decisions that want two persons: the first proposes, another confirms or rejects (invariant 6; `domain.md` 6a)."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from domain.calendar import japanese_day
from domain.consents import NEED_DETAIL, require_consent
from domain.envelope import Command, CommandData, Event, EventData, made_id
from domain.law import RULES, Ask, Rule, View, decides, evolves, refuse, require
from domain.records import Key, Line
from domain.state import Case, Proposal
from domain.terms import Role

_ANYBODY = frozenset(Role) - {Role.system, Role.auditor, Role.strategy_analyst, Role.administrator}


class DecisionProposed(EventData):
    """A first person gave a command that wants two."""

    carries: ClassVar[Mapping[str, str]] = {"data": NEED_DETAIL}
    proposal_id: Key
    command: Line
    data: Mapping[str, Any]


class DecisionRejected(EventData):
    """A second person said no to the proposal."""

    proposal_id: Key


class ConfirmDecision(CommandData):
    """Say yes to a proposal as the second person; its own facts are recorded then."""

    example: ClassVar[Mapping[str, Any]] = {}
    proposal_id: Key | None = None


class RejectDecision(CommandData):
    """Say no to a proposal as the second person."""

    example: ClassVar[Mapping[str, Any]] = {}
    proposal_id: Key | None = None


def propose(rule: Rule, command: Command, facts: tuple[EventData, ...]) -> tuple[EventData, ...]:
    """The proposal that stands for *facts* until a second person confirms."""
    body = command.data.model_dump(mode="json", exclude_none=True, by_alias=True)
    proposal_id = made_id("proposal", command.command_id)
    return (DecisionProposed(proposal_id=proposal_id, command=rule.name, data=body),) if facts else ()


def proposal_behind(case: Case | None, command: Command, data: EventData) -> Proposal | None:
    """The proposal that *command* confirms, whose reason the events then carry."""
    if case is None or not isinstance(command.data, ConfirmDecision | RejectDecision):
        return None
    return case.proposals.get(command.data.proposal_id or case.last_proposal_id or "")


def _second(case: Case, data: ConfirmDecision | RejectDecision, ask: Ask) -> Proposal:
    """The proposal, if *ask* may complete it: open cases, consent and roles are asked as its own command asks them."""
    proposal_id = data.proposal_id or case.last_proposal_id
    proposal = case.proposals.get(proposal_id or "")
    if proposal is None:
        if proposal_id and proposal_id == case.last_proposal_id:
            refuse("already_done", "/data/proposal_id", fact=proposal_id)
        refuse("invalid_field", "/data/proposal_id", problem="there is no such open proposal")
    require(proposal.proposed_by != ask.actor.person, "four_eyes_required", person=proposal.proposed_by)
    rule = RULES[proposal.command]
    if not case.is_open and not rule.when_closed:
        refuse("case_closed", day=japanese_day(case.closed_at or case.updated_at))
    both_sides = rule.by == rule.confirmed_by
    allowed = rule.confirmed_by - ({proposal.proposed_role} if both_sides else set())
    require(ask.actor.role in allowed, "not_permitted", role=ask.actor.role, command=f"Confirm {proposal.command}")
    if not rule.without_consent:
        require_consent(case, ask.now)
    return proposal


@decides(ConfirmDecision, by=_ANYBODY, when_closed=True, without_consent=True)
def confirm_decision(case: Case, data: ConfirmDecision, ask: Ask) -> Iterable[EventData]:
    """The facts of the proposed command, decided anew on today's state."""
    proposal = _second(case, data, ask)
    rule = RULES[proposal.command]
    command = ask.command.model_copy(update={"reason": proposal.reason})
    return rule.decide(case, rule.data.model_validate(dict(proposal.data)), Ask(command, ask.context))


@decides(RejectDecision, by=_ANYBODY, when_closed=True, without_consent=True, reason=True)
def reject_decision(case: Case, data: RejectDecision, ask: Ask) -> Iterable[EventData]:
    """The proposal falls."""
    proposal = _second(case, data, ask)
    return [DecisionRejected(proposal_id=proposal.proposal_id)]


@evolves(DecisionProposed, bank=View.hidden)
def decision_proposed(case: Case, fact: DecisionProposed, event: Event) -> Case:
    """The proposal waits for its second person."""
    proposal = Proposal(
        proposal_id=fact.proposal_id,
        command=fact.command,
        data=fact.data,
        proposed_by=event.actor.person,
        proposed_role=event.actor.role,
        proposed_at=event.recorded_at,
        reason=event.reason,
    )
    return case.with_("proposals", fact.proposal_id, proposal).but(last_proposal_id=fact.proposal_id)


@evolves(DecisionRejected, bank=View.hidden)
def decision_rejected(case: Case, fact: DecisionRejected, event: Event) -> Case:
    """The proposal is gone."""
    return case.but(proposals={key: one for key, one in case.proposals.items() if key != fact.proposal_id})
