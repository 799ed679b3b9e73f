"""Which case is meant: as it was known (`as_of`, `at_version`), and what of that was true (`true_on`)."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Depends, Query
from pydantic import Field, TypeAdapter, ValidationError

from domain.calendar import JST
from domain.cloud_events import instant
from domain.reasons import Wording
from domain.records import Day, Instant
from gateway.parts import Gateway
from gateway.problems import Fault, unfit
from gateway.trails import Trail

PARAMETERS: Final = ("at_version", "as_of", "true_on")
_TIME: Final[TypeAdapter[datetime | date]] = TypeAdapter(
    Annotated[Instant | Day, Field(union_mode="left_to_right")],
)
_Time: TypeAlias = Annotated[str, Query(max_length=40, examples=["2026-05-01", "2026-05-01T09:00:00+09:00"])]
_MIDNIGHT: Final = time()
_MOMENT: Final = timedelta(microseconds=1)
_NO_TIME: Final = Wording(
    "2026-05-01 または 2026-05-01T09:00:00+09:00 の形で指定してください。",
    "Give a day such as 2026-05-01, or an instant with its offset such as 2026-05-01T09:00:00+09:00.",
)
_NOT_YET: Final = Wording("この時点はまだ来ていません。", "This moment has not come yet.")
_NOTHING: Final = Wording(
    "この時点では、あなたに見える案件がありません。", "Nothing of the case was there for you then."
)
_NO_VERSION: Final = Wording("この版はまだありません。", "The case has no such version.")
_ONE_OF_TWO: Final = Wording("as_of と at_version は同時に指定できません。", "Give either as_of or at_version.")


@dataclass(frozen=True)
class Moments:
    """Up to what was recorded, as a version or a time, and up to what had happened, a case is to be shown."""

    version: int | None
    as_of: str | None
    true_on: str | None

    async def seen(self, gateway: Gateway, trail: Trail) -> dict[str, Any]:
        """*trail* as its reader may see it at these moments. Raises Problem where there was nothing of it then."""
        if self.version is not None:
            _require(self.as_of is None, "at_version", _ONE_OF_TWO)
            trail = _there(await gateway.trails.at(trail, self.version), "at_version", _NO_VERSION)
        if self.as_of is None and self.true_on is None:
            return trail.view()
        now = await gateway.store.clock.now()
        known, true = past(self.as_of, "as_of", now), past(self.true_on, "true_on", now)
        if known is not None:
            trail = _there(await gateway.trails.known_at(trail, known), "as_of", _NOTHING)
        view = trail.view() if true is None else await _true(gateway, trail, true)
        told = {"as_of": known, "true_on": true}
        return {**view, **{name: instant(one) for name, one in told.items() if one is not None}}


async def _moments(
    at_version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    as_of: Annotated[_Time | None, Query(description="What was on record then; a day stands for its end.")] = None,
    true_on: Annotated[_Time | None, Query(description="What of it had happened by then; likewise.")] = None,
) -> Moments:
    return Moments(at_version, as_of, true_on)


AskedMoments: TypeAlias = Annotated[Moments, Depends(_moments)]
"""The moments that a request names."""


async def _true(gateway: Gateway, trail: Trail, moment: datetime) -> dict[str, Any]:
    """What of *trail* was true at *moment*, under the version that is known; what is due belongs to knowledge."""
    then = _there(await gateway.trails.true_at(trail, moment), "true_on", _NOTHING)
    return {name: item for name, item in {**then.view(), "version": trail.version}.items() if name != "deadlines"}


def past(told: str | None, name: str, now: datetime) -> datetime | None:
    """The last moment of the time that is *told*, of today *now*. Raises Problem for none, and for the future."""
    if told is None:
        return None
    try:
        when = _TIME.validate_python(told.replace(" ", "+"))  # which the + of an offset becomes in a careless address
    except ValidationError as error:
        raise unfit(Fault(name, _NO_TIME, in_query=True)) from error
    if isinstance(when, datetime):
        _require(when <= now, name, _NOT_YET)
        return when
    begins = datetime.combine(when, _MIDNIGHT, JST)
    _require(begins <= now, name, _NOT_YET)
    return min(begins + timedelta(days=1) - _MOMENT, now)


def _there(trail: Trail | None, name: str, text: Wording) -> Trail:
    _require(trail is not None, name, text)
    assert trail is not None
    return trail


def _require(claim: bool, name: str, text: Wording) -> None:
    if not claim:
        raise unfit(Fault(name, text, in_query=True))
