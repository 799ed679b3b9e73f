"""The one way of a command: asked of the law, kept, driven through its case's workflow, answered from the store.

Nearly every refusal is found here, before the engine hears of the command. What the engine answers is only which
events there are; every answer, the first and each repetition, is then built from the store by the same function.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog
from starlette.responses import Response

from activities.contract import Reply, Ticket
from domain.canonical import canonical
from domain.case import rule_of
from domain.catalogue.dossier_events import Dossier
from domain.envelope import FORESEEN, Actor, Command, Context
from domain.mentions import mentioned, other_streams
from domain.reasons import Wording
from domain.refusals import Refusal
from domain.stages.intake import OpenCase, ReferNeed
from domain.state import Case
from domain.streams import CASE, State, decide, stream_of
from domain.terms import OrganizationKind, Role
from domain.visibility import seen_version
from gateway.conditions import etag
from gateway.engine import Engine, Unanswered
from gateway.problems import Fault, internal_error, key_reused, refused, unanswered, unfit
from gateway.trails import Trail, Trails
from gateway.views import Reference, answer, entry_receipt, receipt, sees_all, shown_events
from store.cases import Cases
from store.commands import pack
from store.connect import Store
from store.desk import Briefing
from store.pool import reading_as

log = structlog.get_logger("gateway")
_REPLAYED: Final = {"Idempotency-Replayed": "true"}
_NOT_LOGGED: Final = frozenset({"unknown_case", "unknown_entry"})
"""What may be there another time, and of which nothing is known to whom it does not exist."""
_NO_COMPANY: Final = Wording("この企業は登録されていません。", "There is no such company.")
_NO_BANK: Final = Wording("紹介した金融機関を指定してください。", "Name the bank that refers the need.")


@dataclass(frozen=True)
class Wish:
    """A command as somebody sent it."""

    command: Command
    keyed: bool
    """Whether it came with an Idempotency-Key, from which its id is made."""
    versions: tuple[int, ...] = ()
    """The versions it was meant for, in the sender's own count; empty: any."""
    trail: Trail | None = None
    """What a bank's officer follows under the id the command was sent to; it goes to where that goes on."""

    @property
    def opens(self) -> bool:
        """Whether it opens a case."""
        return rule_of(self.command.name).opens

    def known(self, state: State | None) -> Any:
        """*state* as the sender addresses it: a bank's officer through the referral that is followed."""
        by_a_bank = self.command.actor.role is Role.bank_officer and not self.opens
        if not by_a_bank or not isinstance(state, Case):
            return state
        return state.but(referrals=self.trail.through(state) if self.trail else ())

    def as_counted(self, refusal: Refusal) -> Refusal:
        """*refusal*, its version in the sender's own count."""
        if self.trail is None or refusal.code != "version_stale":
            return refusal
        return Refusal.of("version_stale", current=self.trail.version)


def bank_of(actor: Actor, on_behalf_of: str | None) -> str:
    """The bank as whose referral *actor* sends a need."""
    return actor.org_id if actor.role is Role.bank_officer else on_behalf_of or actor.org_id


class Asking:
    """Takes commands to their cases and brings back the answers."""

    def __init__(self, store: Store, cases: Cases, engine: Engine, trails: Trails) -> None:
        self._store = store
        self._cases = cases
        self._engine = engine
        self._trails = trails

    async def ask(self, wish: Wish) -> Response:
        """The answer to *wish*. Raises Problem, and StoreUnreachable."""
        print_ = self.fingerprint(wish)
        wish = await self._addressed(wish)
        with reading_as(None):  # the law looks at everything; an answer holds nothing of others
            return await self._judged(wish, print_)

    async def _judged(self, wish: Wish, print_: bytes) -> Response:
        briefing, case = await self._brief(wish.command)
        repeated = await self._repeated(wish, print_, briefing)
        if repeated is not None:
            return repeated
        wish = _expecting(wish, case)
        command = wish.command
        others = await self._cases.named(other_streams(case, command))
        context = Context(now=briefing.now, directory=briefing.directory, others=others, paper=FORESEEN)
        facts = decide(wish.known(case), command, context)
        if isinstance(facts, Refusal):
            return await self._refuse(wish, wish.as_counted(facts), print_)
        _require_known(command, briefing)
        if isinstance(case, Case) and not facts:
            return _receipt(wish, case, ())
        return await self._carry_out(replace(wish, command=await self._with_company(command)), print_)

    async def _addressed(self, wish: Wish) -> Wish:
        """*wish* with what a bank's officer follows under the id it names; the command goes to where that goes on."""
        command = wish.command
        if command.actor.role is not Role.bank_officer or wish.opens or rule_of(command.name).stream != CASE:
            return wish
        trail = await self._trails.find(command.case_id, command.actor)
        if trail is None:
            return wish
        return replace(wish, trail=trail, command=command.model_copy(update={"case_id": trail.case.case_id}))

    def fingerprint(self, wish: Wish) -> bytes:
        """What a repetition must equal; of a referral the data alone, since its natural key holds for ever."""
        named = (
            {"name", "data"}
            if _is_referral(wish.command)
            else {"name", "data", "reason", "occurred_at", "evidence", "on_behalf_of"}
        )
        return self._store.seals.fingerprint(canonical(wish.command.model_dump(exclude_none=True, include=named)))

    async def _brief(self, command: Command) -> tuple[Briefing, State | None]:
        stream = stream_of(command)
        case, asked = self._cases.newest(stream), frozenset[str]()
        while True:
            asked |= mentioned(case, command)
            briefing = await self._store.desk.briefing(command.case_id, command.command_id, asked, stream=stream)
            case = await self._cases.state(stream, briefing.version)
            if mentioned(case, command) <= asked:
                return briefing, case

    async def _repeated(self, wish: Wish, print_: bytes, briefing: Briefing) -> Response | None:
        """The first answer, if this was answered before; None for something new. Raises Problem."""
        command = wish.command
        if _is_referral(command) and briefing.version and command.actor.role in rule_of(command.name).by:
            return await self._referred_before(wish, print_)
        if not wish.keyed:
            return None
        if briefing.done:
            kept = await self._store.desk.kept(command.command_id)
            _require_same(kept.fingerprint if kept else b"", print_)
            return await self._answer(wish, briefing.done, replayed=True)
        logged = await self._store.desk.refusal(command.command_id) if briefing.was_refused else None
        if logged is not None:
            _require_same(logged.fingerprint, print_)
            raise refused(Refusal.model_validate(logged.problem), replayed=True)
        return None

    async def _referred_before(self, wish: Wish, print_: bytes) -> Response:
        command = wish.command
        assert isinstance(command.data, ReferNeed)
        first = await self.first_of(wish, print_)
        if first is None:
            raise refused(reused(command.data))
        briefing = await self._store.desk.briefing(command.case_id, first, ())
        return await self._answer(wish, briefing.done, replayed=True)

    async def first_of(self, wish: Wish, print_: bytes) -> str | None:
        """The id of the command that began the case of *wish*, a referral; None where that said something else."""
        command = wish.command
        assert isinstance(command.data, ReferNeed)
        [first] = await self._store.ledger.read(stream_of(command), 0, 1)
        bank_id = bank_of(command.actor, command.on_behalf_of)
        known = await self._store.desk.referral(bank_id, command.data.bank_reference)
        kept = None if known else await self._store.desk.kept(first.command_id)
        return first.command_id if print_ in (known and known[1], kept and kept.fingerprint) else None

    async def _refuse(self, wish: Wish, refusal: Refusal, print_: bytes) -> Response:
        """Log *refusal* and raise it; but what was kept before goes on, for the engine may have it already."""
        command = wish.command
        kept = await self._store.desk.kept(command.command_id) if wish.keyed else None
        if kept is not None:
            _require_same(kept.fingerprint, print_)
            return await self._drive(wish, print_)
        if refusal.code not in _NOT_LOGGED:
            await self._store.desk.log_refusal(
                command.command_id,
                case_id=command.case_id,
                name=command.name,
                role=command.actor.role,
                org_id=command.actor.org_id,
                code=refusal.code,
                problem=refusal.model_dump(mode="json", exclude_none=True),
                fingerprint=print_,
            )
        _note(command, refusal.code)
        raise refused(refusal)

    async def _with_company(self, command: Command) -> Command:
        """*command* with the company by its id, registered if it is new: no company's name goes into a decision."""
        data = command.data
        if not isinstance(data, ReferNeed | OpenCase) or data.company is None:
            return command
        named = data.company
        company_id = await self._store.directory.register_company(named.corporate_number, named.name, named.prefecture)
        known = data.model_copy(update={"company": None, "company_id": company_id})
        return command.model_copy(update={"data": known})

    async def _carry_out(self, wish: Wish, print_: bytes) -> Response:
        command = wish.command
        kept = await self._store.desk.seal(
            command.command_id,
            case_id=command.case_id,
            name=command.name,
            org_id=command.actor.org_id,
            body=pack(command),
            fingerprint=print_,
        )
        if kept is not None:
            _require_same(kept.fingerprint, print_)
        return await self._drive(wish, print_)

    async def _drive(self, wish: Wish, print_: bytes) -> Response:
        command = wish.command
        actor = command.actor
        ticket = Ticket(
            case_id=command.case_id,
            command_id=command.command_id,
            name=command.name,
            role=actor.role,
            org_id=actor.org_id,
            person=actor.person,
            stream="" if rule_of(command.name).stream == CASE else stream_of(command),
        )
        try:
            reply = await self._engine.send(ticket)
        except Unanswered as silence:
            return await self._look_up(wish, silence)
        if reply.answer.outcome == "refused":
            return await self._refused_there(wish, reply, print_)
        _note(command, reply.answer.outcome)
        if reply.answer.outcome == "failed" or reply.standing is None:
            raise internal_error()
        return await self._answer(wish, reply.answer.events, version=reply.standing.version)

    async def _look_up(self, wish: Wish, silence: Unanswered) -> Response:
        """What the store says of a command to which the engine gave no answer."""
        command = wish.command
        briefing = await self._store.desk.briefing(command.case_id, command.command_id, (), stream=stream_of(command))
        if briefing.done:
            return await self._answer(wish, briefing.done)
        logged = await self._store.desk.refusal(command.command_id)
        if logged is not None:
            raise refused(Refusal.model_validate(logged.problem))
        _note(command, "unanswered")
        raise unanswered(unreachable=silence.unreachable) from silence

    async def _refused_there(self, wish: Wish, reply: Reply, print_: bytes) -> Response:
        command = wish.command
        if reply.answer.code == "reference_reused":
            return await self._referred_before(wish, print_)
        logged = await self._store.desk.refusal(command.command_id)
        _note(command, reply.answer.code)
        raise refused(Refusal.model_validate(logged.problem)) if logged else unanswered(unreachable=False)

    async def _answer(
        self, wish: Wish, references: Sequence[Reference], *, version: int = 0, replayed: bool = False
    ) -> Response:
        """The answer to *wish*, which caused *references*: the same whenever it is given."""
        case, references = await self._seen(wish, references, version)
        if not isinstance(case, Case):
            opened = bool(references) and references[0].version == 1
            headers = {"ETag": etag(case.version), **(_REPLAYED if replayed else {})}
            if opened and isinstance(case, Dossier):
                headers["Location"] = f"/v1/dossiers/{case.entry_id}"
            return answer(entry_receipt(case, references), 201 if opened else 200, headers)
        headers = _REPLAYED if replayed else {}
        if not wish.opens:
            return _receipt(wish, case, references, 200, headers)
        return _receipt(wish, case, references, 201, {**headers, "Location": f"/v1/cases/{case.case_id}"})

    async def _seen(
        self, wish: Wish, references: Sequence[Reference], version: int
    ) -> tuple[State, Sequence[Reference]]:
        """The state after *references* (at *version* when there are none), and those of them that the actor sees."""
        actor, stream = wish.command.actor, stream_of(wish.command)
        if not references or sees_all(actor):
            state = await self._cases.state(stream, references[-1].version if references else version)
            assert state is not None
            return state, references
        state, events = await self._cases.with_events(stream, references[0].version - 1, references[-1].version)
        assert state is not None
        state = wish.known(state)
        if not isinstance(state, Case):
            return state, references
        shown = {event.event_id for event in shown_events(events, actor, state)}
        return state, [one for one in references if one.id in shown]


def reused(data: ReferNeed) -> Refusal:
    """The reference of a need was used before, for another one."""
    return Refusal.of("reference_reused", "/data/bank_reference", reference=data.bank_reference)


def _receipt(
    wish: Wish,
    case: Case,
    references: Sequence[Reference],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer of *case* to *wish*, in the sender's own name and count."""
    name, before = (wish.trail.name, wish.trail.before) if wish.trail else (None, 0)
    content = receipt(case, wish.command.actor, references, name=name, before=before)
    return answer(content, status, {"ETag": etag(content["version"]), **(headers or {})})


def _is_referral(command: Command) -> bool:
    """Whether the command has a natural key, a bank and its reference, which holds for ever."""
    return isinstance(command.data, ReferNeed)


def _expecting(wish: Wish, case: State | None) -> Wish:
    """*wish* with the one version it is meant for: today's, if that is among them."""
    case = wish.known(case)
    if not wish.versions or case is None:
        return wish
    before = wish.trail.before if wish.trail else 0
    today = seen_version(case, wish.command.actor) if isinstance(case, Case) else case.version
    expected = today if today + before in wish.versions else wish.versions[0] - before
    return replace(wish, command=wish.command.model_copy(update={"expected_version": expected}))


def _require_same(before: bytes, now: bytes) -> None:
    if before != now:
        raise key_reused()


def _require_known(command: Command, briefing: Briefing) -> None:
    """The parties that *command* names are registered. Raises Problem."""
    if not isinstance(command.data, ReferNeed | OpenCase):
        return
    faults = _unknown_parties(command, command.data, briefing)
    if faults:
        raise unfit(*faults)


def _unknown_parties(command: Command, data: ReferNeed | OpenCase, briefing: Briefing) -> list[Fault]:
    organizations = briefing.directory.organizations
    faults = []
    company = organizations.get(data.company_id or "")
    named = data.company is None and (isinstance(data, ReferNeed) or data.company_id is not None)
    if named and (company is None or company.kind is not OrganizationKind.company):
        faults.append(Fault("/data/company_id", _NO_COMPANY))
    if isinstance(data, OpenCase):
        return faults
    bank = organizations.get(bank_of(command.actor, command.on_behalf_of))
    if command.actor.role is not Role.bank_officer and (bank is None or bank.kind is not OrganizationKind.bank):
        faults.append(Fault("/on_behalf_of", _NO_BANK))
    return faults


def _note(command: Command, code: str) -> None:
    log.info(
        "command_answered", case_id=command.case_id, command=command.name, command_id=command.command_id, code=code
    )
