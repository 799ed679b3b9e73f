"""The one effect of a case: load its state, let the domain decide, append what it decided.

An activity that runs twice does no harm: a command's second run meets its own events and repeats their answer.
"""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import psycopg
import structlog
from temporalio import activity

from activities.consequences import FAR_REACHING, Consequences
from activities.contract import APPLY, FALL_DUE, Answer, Due, EventRef, Reply, Standing, Ticket
from activities.introductions import OPENERS, enter_directory, introduction
from activities.papers import Papers
from domain.calendar import fiscal_year
from domain.case import rule_of
from domain.catalogue.companies import OrganizationMerged
from domain.catalogue.dossier_events import Dossier
from domain.envelope import (
    FORESEEN,
    Actor,
    Command,
    Context,
    Directory,
    Event,
    EventData,
)
from domain.mentions import mentioned, other_streams
from domain.refusals import Refusal
from domain.stages.intake import ReferNeed
from domain.stages.timing import due_command
from domain.state import Case
from domain.streams import CASE, State, decide, record, stream_of
from domain.terms import Role, Status
from domain.timers import Deadline, deadlines, first_due
from store.cases import Cases
from store.commands import unpack
from store.connect import Store, StoreUnreachable
from store.desk import Briefing, KeptEvent, NotSealed
from store.entries import row_of
from store.ledger import Append, Appended, AppendRefused, NaturalKey, ReferenceTaken
from store.overview import overview_of
from store.sealing import KeyMissing

log = structlog.get_logger("ledger")

_SHOWN_DEADLINES: Final = 5
_ON_PAPER: Final = frozenset({"ReleaseDossier", "SupersedeDossier"})
"""Commands that may issue a rendered dossier."""
_STEPS_AT_ONCE: Final = 20
"""How many steps of timers one activity takes; the rest falls due at once again."""


def standing_of(case: State | None, now: datetime, due: Sequence[Deadline] | None = None) -> Standing:
    """What the workflow needs to know of *case* at *now*; an entry of the catalogue waits for nothing."""
    if not isinstance(case, Case):
        return Standing(version=case.version, stage=case.standing, finished=True) if case else Standing(finished=True)
    due = deadlines(case) if due is None else due
    return Standing(
        version=case.version,
        stage=case.stage,
        status=case.status,
        owner=due[0].owner if due else case.coordinator_id or "",
        deadlines=tuple(
            Due(timer=one.timer, owner=one.owner, due_in=max(0.0, (one.due_at - now).total_seconds()))
            for one in due[:_SHOWN_DEADLINES]
        ),
        last_events=case.recent,
        finished=case.status is Status.closed and not due,
    )


class CaseLedger:
    """The activities of a case, on one store."""

    def __init__(
        self,
        store: Store,
        cases: Cases | None = None,
        papers: Papers | None = None,
        alike: Decimal | None = None,
    ) -> None:
        """*papers* renders dossiers; without it none is issued. Needs at least *alike* are suspected to be one."""
        self._store = store
        self._papers = papers
        self._cases = cases or Cases(store.ledger)
        self._consequences = Consequences(store, self._cases, alike)

    @activity.defn(name=APPLY)
    async def apply_command(self, ticket: Ticket) -> Reply:
        """Decide the sealed command and append its events; the answer to a repetition is the first one's."""
        return await _answered(self._apply(ticket), case_id=ticket.case_id, command_id=ticket.command_id)

    async def _apply(self, ticket: Ticket) -> Reply:
        try:
            body = await self._store.desk.unseal(ticket.command_id)
        except NotSealed:
            return Reply(answer=Answer(outcome="refused", code="unknown_command"))
        actor = Actor(role=Role(ticket.role), org_id=ticket.org_id, person=ticket.person)
        command = unpack(ticket.case_id, ticket.command_id, ticket.name, actor, body)
        return await self.carry_out(command)

    @activity.defn(name=FALL_DUE)
    async def fall_due(self, case_id: str) -> Reply:
        """Take every step of a timer whose time has come by the one clock, each as an event of its own."""
        return await _answered(self._steps(case_id), case_id=case_id)

    async def _steps(self, case_id: str) -> Reply:
        reply = Reply(answer=Answer(outcome="nothing_due"), standing=Standing(finished=True))
        for _ in range(_STEPS_AT_ONCE):
            briefing = await self._store.desk.briefing(case_id, "-", ())
            case = await self._cases.at(case_id, briefing.version)
            due = first_due(case, briefing.now) if case else None
            if case is None or due is None:
                return reply.model_copy(update={"standing": standing_of(case, briefing.now)})
            reply = await self.carry_out(due_command(case, due))
            if reply.standing is None or reply.standing.version <= case.version:
                return reply  # the step changed nothing: it must not be tried again at once
        return reply

    async def carry_out(self, command: Command) -> Reply:
        """Decide *command* and append its events, whichever stream it goes to; a second time changes nothing."""
        while True:
            briefing, case = await self._brief(command)
            successor = briefing.directory.today(command.actor.org_id)
            if successor != command.actor.org_id:
                acting = command.actor.model_copy(update={"org_id": successor})
                return await self.carry_out(command.model_copy(update={"actor": acting}))
            if briefing.done:
                touched = await self._complete(case, command, briefing.directory)
                answer = _accepted(briefing.done)
                return Reply(answer=answer, standing=standing_of(case, briefing.now), touched=touched)
            context = await self._context(case, command, briefing)
            facts = decide(case, command, context)
            if facts and not isinstance(facts, Refusal) and command.name in _ON_PAPER:
                context = await self._on_paper(case, context)
                facts = decide(case, command, context)
            if isinstance(facts, Refusal):
                await self._log(command, facts)
                return Reply(answer=_refused(facts), standing=standing_of(case, briefing.now))
            if not facts:
                return Reply(answer=Answer(outcome="nothing_due"), standing=standing_of(case, briefing.now))
            reply = await self._append(case, command, facts, context)
            if reply is not None:
                return reply

    async def _append(
        self, case: State | None, command: Command, facts: Sequence[EventData], context: Context
    ) -> Reply | None:
        events, after = record(case, command, facts, context)
        stream = stream_of(command)
        due = deadlines(after) if isinstance(after, Case) else ()
        outcome = await self._store.ledger.append(
            Append(
                stream=stream,
                expected_version=case.version if case else 0,
                command_id=command.command_id,
                events=events,
                overview=overview_of(after, due) if isinstance(after, Case) else row_of(stream, after),
                referral=await self._natural_key(command),
            )
        )
        if isinstance(outcome, Appended):
            self._cases.keep(stream, after)
            await enter_directory(self._store, after)
            touched = await self._complete(after, command, context.directory)
            answer = _accepted([KeptEvent(one.event_id, one.type, one.version) for one in events])
            return Reply(answer=answer, standing=standing_of(after, context.now, due), touched=touched)
        if isinstance(outcome, ReferenceTaken):
            assert isinstance(command.data, ReferNeed)
            taken = Refusal.of("reference_reused", "/data/bank_reference", reference=command.data.bank_reference)
            await self._log(command, taken)
            return Reply(answer=_refused(taken), standing=Standing(finished=True))
        return None

    async def _brief(self, command: Command) -> tuple[Briefing, State | None]:
        stream = stream_of(command)
        case = self._cases.newest(stream)
        asked: frozenset[str] = frozenset()
        while True:
            wanted = mentioned(case, command) | asked
            briefing = await self._store.desk.briefing(command.case_id, command.command_id, wanted, stream=stream)
            case = await self._cases.state(stream, briefing.version)
            asked = wanted
            if mentioned(case, command) <= asked:
                return briefing, case

    async def _complete(self, state: State | None, command: Command, directory: Directory) -> tuple[str, ...]:
        """Carry out in other streams what the events of *command* began in this one; repeating it changes nothing.

        Returns the cases among them, which have changed without their workflows.
        """
        if state is not None and command.name in OPENERS:
            unknown = await introduction(self._cases, state, directory)
            if unknown is not None:
                await self.carry_out(unknown)
        if state is None or command.name not in FAR_REACHING:
            return ()
        touched: list[str] = []
        for event in await self._store.ledger.read(stream_of(command)):
            if event.command_id == command.command_id:
                touched += await self._carry_on(state, event)
        return tuple(dict.fromkeys(one for one in touched if one != command.case_id))

    async def _carry_on(self, state: State, event: Event) -> list[str]:
        following = await self._consequences.of(state, event)
        for one in following:
            await self.carry_out(one)
        merger = event.data
        if isinstance(merger, OrganizationMerged):
            await self._store.directory.follow(merger.organization_id, merger.successor_id)
            for missed in await self._consequences.of(state, event):  # what was begun meanwhile
                await self.carry_out(missed)
        return [one.case_id for one in following if rule_of(one.name).stream == CASE]

    async def _context(self, state: State | None, command: Command, briefing: Briefing) -> Context:
        number = None
        if briefing.version == 0 and rule_of(command.name).stream == CASE:
            count = await self._store.desk.next_case_number()
            number = f"K{fiscal_year(briefing.now)}-{count:06d}"
        others = await self._cases.named(other_streams(state, command))
        return Context(now=briefing.now, case_no=number, directory=briefing.directory, others=others, paper=FORESEEN)

    async def _on_paper(self, dossier: State | None, context: Context) -> Context:
        """*context* with what was rendered for the next version of *dossier*, in place of what was foreseen."""
        assert isinstance(dossier, Dossier)
        case = context.others[f"case-{dossier.case_id}"]
        assert isinstance(case, Case)
        paper = await self._papers.render(dossier, case, context.now) if self._papers else None
        return context.model_copy(update={"paper": paper})

    async def _natural_key(self, command: Command) -> NaturalKey | None:
        if not isinstance(command.data, ReferNeed) or command.actor.role is not Role.bank_officer:
            return None
        sealed = await self._store.desk.kept(command.command_id)
        return NaturalKey(
            bank_id=command.actor.org_id,
            bank_reference=command.data.bank_reference,
            case_id=command.case_id,
            fingerprint=sealed.fingerprint if sealed else b"",
        )

    async def _log(self, command: Command, refusal: Refusal) -> None:
        sealed = await self._store.desk.kept(command.command_id)
        await self._store.desk.log_refusal(
            command.command_id,
            case_id=command.case_id,
            name=command.name,
            role=command.actor.role,
            org_id=command.actor.org_id,
            code=refusal.code,
            problem=refusal.model_dump(mode="json", exclude_none=True),
            fingerprint=sealed.fingerprint if sealed else b"",
        )


async def _answered(answering: Awaitable[Reply], **ids: str) -> Reply:
    """The reply; a fault of ours is an answer too, so that it does not stop the case for ever. Outages are retried.

    The engine keeps no words of the error: they may quote what a company said.
    """
    try:
        return await answering
    except (StoreUnreachable, psycopg.OperationalError, KeyMissing):
        raise
    except Exception as error:
        if isinstance(error, AppendRefused) and error.fault == "clock":
            raise  # decided again at a fresh time
        log.exception("command_failed", **ids)
        return Reply(answer=Answer(outcome="failed", code=type(error).__name__))


def _accepted(kept: Sequence[KeptEvent]) -> Answer:
    return Answer(
        outcome="accepted",
        events=tuple(EventRef(id=one.id, type=one.type, version=one.version) for one in kept),
    )


def _refused(refusal: Refusal) -> Answer:
    return Answer(outcome="refused", code=refusal.code)
