"""Recommendations 提言 of the Council: adopted, progressed, fulfilled."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from domain.catalogue.entry import Entry, begun, require_new
from domain.envelope import CommandData, Event, EventData
from domain.law import Ask, decides, evolves, require
from domain.records import Day, Key, Line, Text
from domain.terms import Role

STREAM: Final = "recommendation"


class RecommendationAdopted(EventData):
    """The Council adopted a recommendation."""

    recommendation_id: Key
    title: Line
    text: Text | None = None
    adopted_on: Day


class RecommendationProgressed(EventData):
    """Something was done about it."""

    recommendation_id: Key
    note: Text


class RecommendationFulfilled(EventData):
    """It is done."""

    recommendation_id: Key
    note: Text | None = None


class AdoptRecommendation(CommandData):
    """Record a recommendation of the Council."""

    example: ClassVar[Mapping[str, Any]] = {"title": "金融機関との連携を深めること", "adopted_on": "2026-04-19"}
    recommendation_id: Key | None = None
    title: Line
    text: Text | None = None
    adopted_on: Day | None = None


class ProgressRecommendation(CommandData):
    """Record what was done about it."""

    example: ClassVar[Mapping[str, Any]] = {"note": "三行と協定を結んだ。"}
    recommendation_id: Key | None = None
    note: Text


class FulfillRecommendation(CommandData):
    """Record that it is done."""

    example: ClassVar[Mapping[str, Any]] = {"note": "全県で運用を始めた。"}
    recommendation_id: Key | None = None
    note: Text | None = None


class Recommendation(Entry):
    """One recommendation of the Council."""

    title: str
    fulfilled: bool = False
    progress: int = 0

    @property
    def standing(self) -> str:
        """Adopted, progressed or fulfilled."""
        if self.fulfilled:
            return "fulfilled"
        return "progressed" if self.progress else "adopted"


_BY: Final = frozenset({Role.strategy_analyst})


@decides(AdoptRecommendation, by=_BY, stream=STREAM, opens=True)
def adopt_recommendation(one: Recommendation | None, data: AdoptRecommendation, ask: Ask) -> Iterable[EventData]:
    """A recommendation is adopted once."""
    require_new(one)
    adopted_on = data.adopted_on or ask.today
    require(adopted_on <= ask.today, "not_yet_happened", "/data/adopted_on", at=adopted_on)
    return [
        RecommendationAdopted(
            recommendation_id=ask.command.case_id, title=data.title, text=data.text, adopted_on=adopted_on
        )
    ]


def _require_open(one: Recommendation) -> None:
    require(not one.fulfilled, "already_done", fact="RecommendationFulfilled")


@decides(ProgressRecommendation, by=_BY, stream=STREAM)
def progress_recommendation(one: Recommendation, data: ProgressRecommendation, ask: Ask) -> Iterable[EventData]:
    """Progress comes before the end."""
    _require_open(one)
    return [RecommendationProgressed(recommendation_id=one.entry_id, note=data.note)]


@decides(FulfillRecommendation, by=_BY, stream=STREAM)
def fulfill_recommendation(one: Recommendation, data: FulfillRecommendation, ask: Ask) -> Iterable[EventData]:
    """A recommendation is fulfilled once."""
    _require_open(one)
    return [RecommendationFulfilled(recommendation_id=one.entry_id, note=data.note)]


@evolves(RecommendationAdopted, stream=STREAM)
def recommendation_adopted(one: Recommendation | None, fact: RecommendationAdopted, event: Event) -> Recommendation:
    """The register has it."""
    return Recommendation(title=fact.title, **begun(event))


@evolves(RecommendationProgressed, stream=STREAM)
def recommendation_progressed(one: Recommendation, fact: RecommendationProgressed, event: Event) -> Recommendation:
    """One step further."""
    return one.but(progress=one.progress + 1)


@evolves(RecommendationFulfilled, stream=STREAM)
def recommendation_fulfilled(one: Recommendation, fact: RecommendationFulfilled, event: Event) -> Recommendation:
    """Done."""
    return one.but(fulfilled=True)
