"""A case script as it is written: YAML, read strictly, so that a typing error is named and not played."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from domain.calendar import after_business_days, after_days, after_months
from domain.terms import OrganizationKind, Role
from workers.play.written import read

_SHIPPED: Final = (
    "ceramics",
    "startup",
    "declined",
    "declined-b",
    "national",
    "national-b",
    "researcher-leaves",
    "researcher-leaves-b",
    "renegotiated",
    "renegotiated-b",
    "consent-withdrawn",
    "bank-cancels",
    "bank-cancels-b",
    "two-banks",
    "two-banks-b",
    "six-years",
)
"""The scripts of this release, in the order of the domain reference."""
_ISO: Final = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


class BadScript(Exception):
    """A script that cannot be played: the message names the file, the step and the field."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Title(_Part):
    """What a script is about, in both languages."""

    ja: str = ""
    en: str = ""


class OrgPart(BaseModel):
    """An organization of a script; attributes the product does not know are kept out and reported."""

    model_config = ConfigDict(frozen=True, extra="allow", coerce_numbers_to_str=True)
    kind: OrganizationKind
    name: str | None = None
    prefecture: str | None = None
    corporate_number: str | None = None


class PersonPart(BaseModel):
    """A person of a script."""

    model_config = ConfigDict(frozen=True, extra="allow")
    role: Role
    org: str = "center"
    name: str | None = None


class EventLike(_Part):
    """An event as expected: its type, and data of which it must hold at least this."""

    type: str
    data: Mapping[str, Any] = {}


class Expect(_Part):
    """What must be true after a step."""

    events: tuple[str | EventLike, ...] | None = None
    events_include: tuple[str | EventLike, ...] | None = None
    rejected: str | None = None
    stage: str | None = None
    furthest_stage: str | None = None
    status: str | None = None
    disposition: str | None = None
    coordinator: str | None = None
    visible: tuple[str, ...] | None = None
    hidden: tuple[str, ...] | None = None
    same_case: bool | None = None
    timers: tuple[str, ...] | None = None
    lender_feed: Mapping[str, Sequence[str]] | None = None
    count: int | None = None
    statistics: Mapping[str, Any] | None = None


class Step(_Part):
    """One step: somebody does or sees something, time passes, or only something is expected."""

    actor: str | None = Field(None, alias="as")
    do: str | None = None
    see: Literal["case", "events", "feed", "dossier", "notices"] | None = None
    wait: str | None = None
    until: str | None = None
    data: Mapping[str, Any] = Field(default_factory=dict, alias="with")
    reason: Mapping[str, Any] | str | None = None
    occurred_at: str | None = None
    on_behalf_of: str | None = None
    evidence: Annotated[tuple[str, ...], BeforeValidator(lambda one: [one] if isinstance(one, str) else one)] = ()
    case: str | None = None
    save: Mapping[str, str] = {}
    expect: Expect | None = None
    needs: Literal["dossier", "erasure", "feed", "statistics"] | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> "Step":
        said = [name for name in ("do", "see", "wait", "until") if getattr(self, name) is not None]
        if len(said) > 1:
            raise ValueError(f"a step has one of do, see, wait, until; this one has {' and '.join(said)}")
        if not said and self.expect is None:
            raise ValueError("a step does, sees, waits or expects something; this one is empty")
        if said and said[0] in {"do", "see"} and self.actor is None:
            raise ValueError(f"as: who does the {said[0]}?")
        return self

    @property
    def passes_time(self) -> bool:
        """Whether the clock moves in this step."""
        return self.wait is not None or self.until is not None

    @property
    def lenders(self) -> tuple[str, ...]:
        """The lenders whose feeds something is expected of."""
        return tuple(self.expect.lender_feed or ()) if self.expect else ()

    @property
    def kept(self) -> frozenset[str]:
        """The `$names` that stand in this step for what earlier ones saved."""
        return frozenset(_kept(self.model_dump(by_alias=True, exclude_unset=True)))

    def filled(self, values: Mapping[str, Any]) -> Self:
        """This step with what was saved in the place of its `$names`; a name without a value stays."""
        return self.model_validate(_filled(self.model_dump(by_alias=True, exclude_unset=True), values))


_KEPT: Final = re.compile(r"\$([A-Za-z_][\w-]*)")
DECISION: Final = "decision"
"""The name of the proposal made last, which is always kept."""


def _kept(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _kept(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _kept(item)
    elif isinstance(value, str) and (named := _KEPT.fullmatch(value)):
        yield named[1]


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(item, values) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(item, values) for item in value]
    named = _KEPT.fullmatch(value) if isinstance(value, str) else None
    return values.get(named[1], value) if named else value


class Script(_Part):
    """A whole case script."""

    script: str
    title: Title = Title()
    start: AwareDatetime = datetime.fromisoformat("2026-04-01T09:00+09:00")
    orgs: Mapping[str, OrgPart] = {}
    people: Mapping[str, PersonPart] = {}
    steps: tuple[Step, ...]

    @model_validator(mode="after")
    def _names_what_was_saved(self) -> Self:
        known = {DECISION}
        for number, step in enumerate(self.steps, 1):
            unknown = sorted(step.kept - known)
            if unknown:
                raise ValueError(f"steps.{number}: ${unknown[0]} was not saved by an earlier step")
            known |= step.save.keys()
        return self

    @property
    def lenders(self) -> tuple[str, ...]:
        """The lenders whose feeds the script expects something of."""
        return tuple(dict.fromkeys(lender for step in self.steps for lender in step.lenders))

    @property
    def passes_time(self) -> bool:
        """Whether the script can only be played where the clock may move."""
        return any(step.passes_time for step in self.steps)


def shipped() -> tuple[str, ...]:
    """The names of the scripts that come with the product."""
    return _SHIPPED


def load(name: str) -> Script:
    """The script in the file *name*, or the shipped script of that name. Raises BadScript."""
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} or path.exists():
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadScript(f"{name}: {error}") from error
        return parse(text, name)
    if name not in _SHIPPED:
        raise BadScript(f"{name}: no such file, and no shipped script of that name ({', '.join(_SHIPPED)})")
    return parse((resources.files("workers.play") / "scripts" / f"{name}.yaml").read_text("utf-8"), name)


def parse(text: str, name: str) -> Script:
    """The script written as *text*. Raises BadScript, naming *name*, the step and the field."""
    try:
        told = read(text)
    except yaml.YAMLError as error:
        raise BadScript(f"{name}: {error}") from error
    if not isinstance(told, dict):
        raise BadScript(f"{name}: a script is a mapping with script, orgs, people and steps")
    try:
        return Script.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
        raise BadScript(f"{name}: {place}: {first['msg']}") from error


def moment_after(step: Step, start: datetime, now: datetime) -> datetime:
    """Where the clock stands after a `wait` or `until`. Raises BadScript for a duration nobody can read."""
    if step.until is not None:
        if not re.fullmatch(r"d\d+", step.until):
            raise BadScript(f"until: {step.until} is not a day such as d8")
        return after_days(start, int(step.until[1:]))
    wait = step.wait or ""
    if re.fullmatch(r"\d+bd", wait):
        return after_business_days(now, int(wait[:-2]))
    found = _ISO.fullmatch(wait)
    if found is None or not any(found.groups()):
        raise BadScript(f"wait: {wait} is neither an ISO 8601 duration such as P3D nor business days such as 3bd")
    years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    moved = after_months(now, years * 12 + months) if years or months else now
    return moved + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
