"""Publications: the parties look before results are public, while a disclosure or filing is open (invariant 20)."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, ClassVar

from domain.envelope import CommandData, Event, EventData
from domain.law import Ask, View, decides, evolves, refuse, require
from domain.records import Day, Key
from domain.state import Case, Publication, changed
from domain.terms import Role


class ReviewResult(StrEnum):
    """How a review before publication ends."""

    cleared = "cleared"
    delayed = "delayed"


class PublicationReviewRequested(EventData):
    """Somebody wants to publish; the parties look at it first."""

    publication_id: Key
    due_on: Day | None = None


class PublicationCleared(EventData):
    """The publication may go out, or waits until a day."""

    publication_id: Key
    result: ReviewResult
    delayed_until: Day | None = None


class ResultsPublished(EventData):
    """Results are public."""

    happens: ClassVar[str] = "on"
    publication_id: Key
    on: Day


class RequestPublicationReview(CommandData):
    """Ask the parties to look at a planned publication."""

    creates: ClassVar[Mapping[str, str]] = {"publication_id": "publication"}
    example: ClassVar[Mapping[str, Any]] = {"due_on": "2027-11-22"}
    publication_id: Key | None = None
    due_on: Day | None = None


class ClearPublication(CommandData):
    """Clear a publication, or delay it until a day."""

    example: ClassVar[Mapping[str, Any]] = {"result": "cleared"}
    publication_id: Key | None = None
    result: ReviewResult = ReviewResult.cleared
    delayed_until: Day | None = None


class PublishResults(CommandData):
    """Record that results are public."""

    example: ClassVar[Mapping[str, Any]] = {"on": "2027-12-01"}
    publication_id: Key | None = None
    on: Day | None = None


@decides(RequestPublicationReview, by={Role.researcher})
def request_publication_review(case: Case, data: RequestPublicationReview, ask: Ask) -> Iterable[EventData]:
    """The parties look before anything is public."""
    publication_id = data.publication_id or ask.new_id("publication")
    require(publication_id not in case.publications, "already_done", fact=publication_id)
    return [PublicationReviewRequested(publication_id=publication_id, due_on=data.due_on)]


def _publication(case: Case, publication_id: str | None) -> Publication:
    if publication_id:
        found = case.publications.get(publication_id)
    else:
        found = next(reversed(case.publications.values()), None)
    if found is None:
        refuse("invalid_field", "/data/publication_id", problem="there is no such publication")
    return found


@decides(ClearPublication, by={Role.company_representative, Role.university_liaison})
def clear_publication(case: Case, data: ClearPublication, ask: Ask) -> Iterable[EventData]:
    """A review ends with yes or with a later day."""
    one = _publication(case, data.publication_id)
    require(not one.cleared, "already_done", "/data/publication_id", fact=one.publication_id)
    result = ReviewResult.delayed if data.delayed_until else data.result
    return [PublicationCleared(publication_id=one.publication_id, result=result, delayed_until=data.delayed_until)]


@decides(PublishResults, by={Role.researcher})
def publish_results(case: Case, data: PublishResults, ask: Ask) -> Iterable[EventData]:
    """Nothing is published under review, nor unseen while a disclosure or filing is open (invariant 20)."""
    on = data.on or ask.day
    require(on <= ask.today, "not_yet_happened", "/data/on", at=on)
    key = data.publication_id or next(reversed(case.publications), None)
    one = case.publications.get(key or "")
    if one is None:
        disclosed = [invention_id for invention_id, found in case.inventions.items() if found.is_open]
        require(not disclosed, "publication_review_open", "/data/publication_id", publication=", ".join(disclosed))
        return [ResultsPublished(publication_id=key or ask.new_id("publication"), on=on)]
    require(one.published_on is None, "already_done", "/data/publication_id", fact=one.publication_id)
    waits = one.delayed_until is not None and on < one.delayed_until
    require(one.cleared and not waits, "publication_review_open", publication=one.publication_id)
    return [ResultsPublished(publication_id=one.publication_id, on=on)]


@evolves(PublicationReviewRequested, bank=View.hidden)
def publication_review_requested(case: Case, fact: PublicationReviewRequested, event: Event) -> Case:
    """The review is open."""
    one = Publication(publication_id=fact.publication_id, requested_at=event.recorded_at, due_on=fact.due_on)
    return case.with_("publications", fact.publication_id, one)


@evolves(PublicationCleared, bank=View.hidden)
def publication_cleared(case: Case, fact: PublicationCleared, event: Event) -> Case:
    """The review is over."""
    cleared = fact.result is ReviewResult.cleared or fact.delayed_until is not None
    one = changed(case.publications[fact.publication_id], cleared=cleared, delayed_until=fact.delayed_until)
    return case.with_("publications", fact.publication_id, one)


@evolves(ResultsPublished, bank=View.full)
def results_published(case: Case, fact: ResultsPublished, event: Event) -> Case:
    """The publication is on record."""
    unseen = Publication(publication_id=fact.publication_id, requested_at=event.recorded_at, due_on=None, cleared=True)
    one = changed(case.publications.get(fact.publication_id, unseen), published_on=fact.on)
    return case.with_("publications", fact.publication_id, one)
