"""How a rule is written down: one decorated function for each command, and one for each event.

`decides` binds a command's record to the function that answers it; `evolves` binds an event's record to the
function that takes it into the state. Dispatch is by type, and a test proves that none is missing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, NoReturn, TypeVar

from domain.calendar import japanese_day
from domain.envelope import Actor, Command, CommandData, Context, Directory, Event, EventData, Reason, made_id
from domain.reasons import ReasonKind
from domain.refusals import Refusal
from domain.terms import Role, Stage


class Refused(Exception):
    """A rule says no, from anywhere inside a decision; `decide` turns it into its `Refusal`."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal: Final = refusal


def refuse(code: str, field: str | None = None, **facts: object) -> NoReturn:
    """Say no with *code*; *field* is a JSON pointer into the command, *facts* fill the sentence."""
    raise Refused(Refusal.of(code, field, **facts))


def require(claim: object, code: str, field: str | None = None, **facts: object) -> None:
    """Say no with *code* unless *claim* holds."""
    if not claim:
        refuse(code, field, **facts)


class View(StrEnum):
    """How much of an event a reader outside the center sees."""

    full = "full"
    summary = "summary"
    """Type, date and reason class only."""
    hidden = "hidden"


@dataclass(frozen=True, slots=True)
class Ask:
    """What a rule may look at beside the state: who asks, when, why, and the directory."""

    command: Command
    context: Context

    @property
    def actor(self) -> Actor:
        """Who acts."""
        return self.command.actor

    @property
    def now(self) -> datetime:
        """The one clock's time."""
        return self.context.now

    @property
    def today(self) -> date:
        """The day in Japan."""
        return japanese_day(self.context.now)

    @property
    def day(self) -> date:
        """The day in Japan that the command tells of: today unless it says otherwise."""
        return japanese_day(self.command.occurred_at or self.context.now)

    @property
    def reason(self) -> Reason | None:
        """Why, if it was said."""
        return self.command.reason

    @property
    def directory(self) -> Directory:
        """The organizations, people and documents the command refers to."""
        return self.context.directory

    def new_id(self, prefix: str) -> str:
        """The id of the thing this command makes."""
        return made_id(prefix, self.command.command_id)


Decider = Callable[[Any, Any, Ask], Iterable[EventData]]
Evolver = Callable[[Any, Any, Event], Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """One command: who may give it, when, and what decides it."""

    name: str
    data: type[CommandData]
    decide: Decider
    by: frozenset[Role]
    confirmed_by: frozenset[Role] = frozenset()
    """Roles of the second person; empty: one person decides."""
    confirmed_when: Callable[[Any], bool] = bool
    """Which bodies of the command want the second person; a record is always true, so by default all do."""
    confirmed_in: Callable[[Any], bool] = bool
    """In which states of the case the command wants the second person; a record is always true."""
    reason: ReasonKind | bool = False
    """Whether a reason must be given, and of which kind."""
    stream: str = "case"
    """The kind of stream the command goes to, which is also the prefix of the stream's name."""
    opens: bool = False
    """Whether the command begins its stream."""
    when_closed: bool = False
    without_consent: bool = False
    coordinated: bool = False
    """Whether the case must have a coordinator (invariant 5)."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One event type: how it changes the state and who outside sees how much of it."""

    name: str
    data: type[EventData]
    evolve: Evolver
    bank: View
    stream: str
    versions: Mapping[int, type[EventData]]
    enters: Stage | None = None
    """The stage whose work begins with it."""


RULES: Final[dict[str, Rule]] = {}
FACTS: Final[dict[str, Fact]] = {}

D = TypeVar("D", bound=Decider)
E = TypeVar("E", bound=Evolver)


def with_seniors(roles: Iterable[Role]) -> frozenset[Role]:
    """*roles*; where a coordinator may act, a senior coordinator may."""
    held = frozenset(roles)
    return held | {Role.senior_coordinator} if Role.coordinator in held else held


def decides(data: type[CommandData], *, by: Iterable[Role], **traits: Any) -> Callable[[D], D]:
    """Bind the decorated function to the command whose body is *data*."""

    def bind(function: D) -> D:
        rule = Rule(name=data.__name__, data=data, decide=function, by=with_seniors(by), **traits)
        RULES[rule.name] = rule
        return function

    return bind


def evolves(
    data: type[EventData], *, bank: View = View.hidden, stream: str = "case", enters: Stage | None = None
) -> Callable[[E], E]:
    """Bind the decorated function to the event whose fact is *data*, with which work of the stage *enters* begins."""

    def bind(function: E) -> E:
        FACTS[data.__name__] = Fact(data.__name__, data, function, bank, stream, {data.schema_version: data}, enters)
        return function

    return bind
