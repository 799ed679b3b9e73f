"""S3, first half: the search for a researcher, region before country (invariants 6, 8)."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import AliasChoices, Field

from domain.consents import NEED_DETAIL
from domain.envelope import CommandData, Event, EventData
from domain.law import Ask, View, decides, evolves, refuse, require
from domain.reasons import CATALOGUE, ReasonKind
from domain.records import Amount, Code, Key, Line, Record, Text
from domain.state import Case, Search, changed
from domain.terms import ROUTES_TO_A_RESEARCHER, AssignmentState, Role, SearchScope

CATALOG_VERSION = "by_hand"
"""The catalogue version of a shortlist that people made."""
RANKER_VERSION = "by_hand"
_ENDED = frozenset(
    {
        AssignmentState.declined,
        AssignmentState.expired,
        AssignmentState.refused,
        AssignmentState.released,
        AssignmentState.recalled,
    }
)


class Candidate(Record):
    """A researcher who may fit, with the reasons."""

    researcher_id: Key
    seed_ids: tuple[Key, ...] = Field((), max_length=50)
    score: Amount | None = None
    reasons: tuple[Text, ...] = Field((), max_length=50)


class ResearcherSearchOpened(EventData):
    """The search began in one ring."""

    carries: ClassVar[Mapping[str, str]] = {"query": NEED_DETAIL}
    search_id: Key
    scope: SearchScope
    query: Text | None = None
    catalog_version: Line


class ResearcherShortlisted(EventData):
    """The researchers to be asked, in order, with reasons."""

    carries: ClassVar[Mapping[str, str]] = {"candidates": NEED_DETAIL}
    search_id: Key
    candidates: tuple[Candidate, ...]
    ranker_version: Line


class SearchWidened(EventData):
    """The search goes on in the wider ring."""

    search_id: Key
    from_scope: SearchScope = Field(alias="from")
    to_scope: SearchScope = Field(alias="to")


class NoResearcherFound(EventData):
    """Nobody in any ring takes the need."""

    search_id: Key
    scopes: tuple[SearchScope, ...]
    asked_count: int
    reason_counts: Mapping[Code, int]


class OpenSearch(CommandData):
    """Open the search for a researcher."""

    creates: ClassVar[Mapping[str, str]] = {"search_id": "search"}
    example: ClassVar[Mapping[str, Any]] = {"scope": "regional", "query": "ガラス 常圧焼結 無機材料"}
    search_id: Key | None = None
    scope: SearchScope = SearchScope.regional
    query: Text | None = None


class ShortlistResearchers(CommandData):
    """Set down who may fit, in the order in which they are asked."""

    example: ClassVar[Mapping[str, Any]] = {
        "candidates": [{"researcher_id": "hayashi", "reasons": ["無機材料の焼結を専門とする。"]}]
    }
    search_id: Key | None = None
    candidates: tuple[Candidate, ...] = Field(max_length=100)


class WidenSearch(CommandData):
    """Go from the regional to the national ring."""

    example: ClassVar[Mapping[str, Any]] = {"from": "regional", "to": "national"}
    search_id: Key | None = None
    from_scope: SearchScope = Field(SearchScope.regional, validation_alias=AliasChoices("from", "from_scope"))
    to_scope: SearchScope = Field(SearchScope.national, validation_alias=AliasChoices("to", "to_scope"))


class ConcludeSearchEmpty(CommandData):
    """End the search: nobody was found in any ring."""

    example: ClassVar[Mapping[str, Any]] = {}
    search_id: Key | None = None


def is_exhausted(case: Case, search: Search) -> bool:
    """Whether everybody on the shortlist of the present ring was asked and nobody is left."""
    if search.candidates is None or any(one.is_active for one in case.assignments.values()):
        return False
    asked = {one.researcher_id: one.state for one in case.assignments.values()}
    return all(asked.get(candidate) in _ENDED for candidate in search.candidates)


def _mine(case: Case, search_id: str | None) -> Search:
    search = case.searches.get(search_id) if search_id else case.search
    if search is None:
        refuse("invalid_field", "/data/search_id", problem="there is no such search; OpenSearch opens one")
    return search


def _has_reason(ask: Ask) -> bool:
    return ask.reason is not None and ask.reason.code in CATALOGUE[ReasonKind.search]


def _regional_is_done(case: Case) -> bool:
    return any(one.scope is SearchScope.national or is_exhausted(case, one) for one in case.searches.values())


@decides(OpenSearch, by={Role.coordinator}, coordinated=True)
def open_search(case: Case, data: OpenSearch, ask: Ask) -> Iterable[EventData]:
    """Triage first; the national ring only after the regional one (invariants 6, 8)."""
    if case.need is not None:
        require(case.triage, "triage_required", fact="TriageNeed")
        route = case.triage.route if case.triage else None
        require(route in ROUTES_TO_A_RESEARCHER, "triage_required", "/data/scope", fact=f"route: {route}")
    if data.scope is SearchScope.national:
        require(_regional_is_done(case) or _has_reason(ask), "regional_search_first", "/data/scope", fact="")
    search_id = data.search_id or ask.new_id("search")
    require(search_id not in case.searches, "already_done", "/data/search_id", fact=search_id)
    return [
        ResearcherSearchOpened(search_id=search_id, scope=data.scope, query=data.query, catalog_version=CATALOG_VERSION)
    ]


@decides(ShortlistResearchers, by={Role.coordinator, Role.system}, coordinated=True)
def shortlist_researchers(case: Case, data: ShortlistResearchers, ask: Ask) -> Iterable[EventData]:
    """The list shown and its order are kept, so that ranking can be judged by outcomes later."""
    search = _mine(case, data.search_id)
    require(not search.concluded, "already_done", "/data/search_id", fact="NoResearcherFound")
    return [
        ResearcherShortlisted(search_id=search.search_id, candidates=data.candidates, ranker_version=RANKER_VERSION)
    ]


@decides(WidenSearch, by={Role.coordinator}, coordinated=True)
def widen_search(case: Case, data: WidenSearch, ask: Ask) -> Iterable[EventData]:
    """Only when the region is exhausted, or with a recorded reason (invariant 8)."""
    search = _mine(case, data.search_id)
    require(search.scope is SearchScope.regional, "already_done", fact="SearchWidened")
    if not is_exhausted(case, search) and not _has_reason(ask):
        pending = [one.researcher_id for one in case.assignments.values() if one.is_pending]
        refuse("regional_search_first", "/data/to", fact=", ".join(pending))
    return [SearchWidened(search_id=search.search_id, from_scope=search.scope, to_scope=SearchScope.national)]


@decides(ConcludeSearchEmpty, by={Role.coordinator}, coordinated=True)
def conclude_search_empty(case: Case, data: ConcludeSearchEmpty, ask: Ask) -> Iterable[EventData]:
    """Both rings must have been searched."""
    search = _mine(case, data.search_id)
    require(not search.concluded, "already_done", fact="NoResearcherFound")
    require(
        search.scope is SearchScope.national and is_exhausted(case, search),
        "regional_search_first",
        "/data/search_id",
        fact=f"scope: {search.scope}",
    )
    counts: dict[str, int] = {}
    for one in case.assignments.values():
        counts[one.ended_by or one.state] = counts.get(one.ended_by or one.state, 0) + 1
    return [
        NoResearcherFound(
            search_id=search.search_id,
            scopes=(SearchScope.regional, SearchScope.national),
            asked_count=len(case.assignments),
            reason_counts=counts,
        )
    ]


@evolves(ResearcherSearchOpened, bank=View.summary)
def researcher_search_opened(case: Case, fact: ResearcherSearchOpened, event: Event) -> Case:
    """The search is open in its ring."""
    search = Search(search_id=fact.search_id, scope=fact.scope, opened_at=event.recorded_at)
    return case.with_("searches", fact.search_id, search)


@evolves(ResearcherShortlisted, bank=View.hidden)
def researcher_shortlisted(case: Case, fact: ResearcherShortlisted, event: Event) -> Case:
    """The newest list of a ring counts."""
    names = tuple(one.researcher_id for one in fact.candidates)
    return case.with_("searches", fact.search_id, changed(case.searches[fact.search_id], candidates=names))


@evolves(SearchWidened, bank=View.full)
def search_widened(case: Case, fact: SearchWidened, event: Event) -> Case:
    """The wider ring has no list yet."""
    search = changed(case.searches[fact.search_id], scope=fact.to_scope, candidates=None, opened_at=event.recorded_at)
    return case.with_("searches", fact.search_id, search)


@evolves(NoResearcherFound, bank=View.full)
def no_researcher_found(case: Case, fact: NoResearcherFound, event: Event) -> Case:
    """The search is over."""
    search = changed(case.searches[fact.search_id], concluded=True, opened_at=event.recorded_at)
    return case.with_("searches", fact.search_id, search)
