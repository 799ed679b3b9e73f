"""Technology seeds シーズ of universities: published, revised, renewed every year, retired."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from pydantic import AliasChoices, Field

from domain.calendar import after_business_days, after_months
from domain.catalogue.entry import Entry, EntryDue, begun, require_new, require_own
from domain.envelope import CommandData, Event, EventData
from domain.law import Ask, decides, evolves, require
from domain.records import Code, Day, Key, Line, Record, Text, Trl
from domain.terms import Role

STREAM: Final = "seed"


class SeedBody(Record):
    """What is said of a seed."""

    title: Line
    summary: Text | None = Field(None, validation_alias=AliasChoices("summary", "public_summary"))
    """In the words of a small company."""
    abstract: Text | None = None
    field_codes: tuple[Code, ...] = Field((), max_length=20)
    keywords: tuple[Line, ...] = Field((), max_length=50)
    program_tags: tuple[Code, ...] = Field((), max_length=20)
    patents: tuple[Line, ...] = Field((), max_length=50)
    researcher_ids: tuple[Key, ...] = Field((), max_length=20)
    institution_id: Key | None = None
    trl: Trl | None = None
    conditions: Text | None = None
    valid_until: Day | None = None


class SeedPublished(SeedBody, EventData):
    """A seed entered the catalogue."""

    seed_id: Key


class SeedRevised(EventData):
    """A seed is described anew."""

    seed_id: Key
    fields: Mapping[str, Any]


class SeedRetired(EventData):
    """A seed left the catalogue."""

    seed_id: Key


class SeedRenewalRequested(EventData):
    """Its owner is asked whether the seed still holds."""

    seed_id: Key


class SeedHidden(EventData):
    """Nobody renewed the seed: searches no longer find it, until it is revised."""

    seed_id: Key


class PublishSeed(SeedBody, CommandData):
    """Put a seed into the catalogue."""

    example: ClassVar[Mapping[str, Any]] = {
        "title": "ガラス粉末の常圧焼結",
        "summary": "溶かさずに窯で焼き固めてガラス部品を作る技術です。",
        "field_codes": ["materials.glass"],
        "keywords": ["常圧焼結", "ガラス"],
        "researcher_ids": ["hayashi"],
        "trl": 3,
    }
    seed_id: Key | None = None


class ReviseSeed(CommandData):
    """Describe a seed anew."""

    example: ClassVar[Mapping[str, Any]] = {"keywords": ["常圧焼結", "耐熱ガラス"]}
    seed_id: Key | None = None
    title: Line | None = None
    summary: Text | None = None
    abstract: Text | None = None
    field_codes: tuple[Code, ...] | None = Field(None, max_length=20)
    keywords: tuple[Line, ...] | None = Field(None, max_length=50)
    program_tags: tuple[Code, ...] | None = Field(None, max_length=20)
    patents: tuple[Line, ...] | None = Field(None, max_length=50)
    researcher_ids: tuple[Key, ...] | None = Field(None, max_length=20)
    trl: Trl | None = None
    conditions: Text | None = None
    valid_until: Day | None = None


class RetireSeed(CommandData):
    """Take a seed out of the catalogue, with a reason."""

    example: ClassVar[Mapping[str, Any]] = {}
    seed_id: Key | None = None


class RequestSeedRenewal(CommandData):
    """Ask the owner whether the seed still holds; the clock's command asks again, and hides it in the end."""

    example: ClassVar[Mapping[str, Any]] = {}
    seed_id: Key | None = None


class Seed(Entry):
    """One seed of the catalogue."""

    body: SeedBody
    retired: bool = False
    hidden: bool = False
    renewed_at: datetime
    asked: tuple[datetime, ...] = ()
    """When its owner was asked since then whether it still holds."""

    @property
    def standing(self) -> str:
        """Published, hidden or retired."""
        return "retired" if self.retired else "hidden" if self.hidden else "published"

    def due(self) -> EntryDue | None:
        """Asked every year, again after 30 business days, hidden after 60 (`domain.md` 6d, profile)."""
        if self.standing != "published":
            return None
        return EntryDue(RequestSeedRenewal.__name__, renewal_due(self.renewed_at, self.asked))


def renewal_due(renewed_at: datetime, asked: Sequence[datetime]) -> datetime:
    """When the next step of a yearly renewal is taken."""
    if not asked:
        return after_months(renewed_at, 12)
    return after_business_days(asked[0], 30 if len(asked) == 1 else 60)


_OWNERS: Final = frozenset({Role.university_liaison, Role.researcher})


@decides(PublishSeed, by=_OWNERS, stream=STREAM, opens=True)
def publish_seed(seed: Seed | None, data: PublishSeed, ask: Ask) -> Iterable[EventData]:
    """A seed belongs to the institution of who publishes it."""
    require_new(seed)
    institution_id = data.institution_id or ask.actor.org_id
    require_own(institution_id, ask)
    body = data.model_dump(exclude={"seed_id", "institution_id"})
    return [SeedPublished(seed_id=ask.command.case_id, institution_id=institution_id, **body)]


@decides(ReviseSeed, by=_OWNERS, stream=STREAM)
def revise_seed(seed: Seed, data: ReviseSeed, ask: Ask) -> Iterable[EventData]:
    """Only what is named changes; when its owner was asked, a revision without changes says that it still holds."""
    require_own(seed.body.institution_id, ask)
    require(not seed.retired, "already_done", fact="SeedRetired")
    fields = data.model_dump(mode="json", exclude_none=True, exclude={"seed_id"})
    require(fields or seed.asked, "invalid_field", "/data", problem="nothing is revised")
    return [SeedRevised(seed_id=seed.entry_id, fields=fields)]


@decides(RetireSeed, by=_OWNERS, stream=STREAM, reason=True)
def retire_seed(seed: Seed, data: RetireSeed, ask: Ask) -> Iterable[EventData]:
    """A seed retires once."""
    require_own(seed.body.institution_id, ask)
    require(not seed.retired, "already_done", fact="SeedRetired")
    return [SeedRetired(seed_id=seed.entry_id)]


@decides(RequestSeedRenewal, by={Role.system, Role.coordinator}, stream=STREAM)
def request_seed_renewal(seed: Seed, data: RequestSeedRenewal, ask: Ask) -> Iterable[EventData]:
    """A retired seed is not renewed."""
    require(not seed.retired, "already_done", fact="SeedRetired")
    due = seed.due()
    if ask.actor.role is Role.system and (due is None or due.at > ask.now):
        return []
    if ask.actor.role is Role.system and len(seed.asked) > 1:
        return [SeedHidden(seed_id=seed.entry_id)]
    return [SeedRenewalRequested(seed_id=seed.entry_id)]


@evolves(SeedPublished, stream=STREAM)
def seed_published(seed: Seed | None, fact: SeedPublished, event: Event) -> Seed:
    """The seed is in the catalogue."""
    body = SeedBody(**fact.model_dump(exclude={"seed_id"}))
    return Seed(body=body, renewed_at=event.recorded_at, **begun(event))


@evolves(SeedRevised, stream=STREAM)
def seed_revised(seed: Seed, fact: SeedRevised, event: Event) -> Seed:
    """The seed is as described last, and renewed by it."""
    body = SeedBody.model_validate({**seed.body.model_dump(), **fact.fields})
    return seed.but(body=body, renewed_at=event.recorded_at, asked=(), hidden=False)


@evolves(SeedRetired, stream=STREAM)
def seed_retired(seed: Seed, fact: SeedRetired, event: Event) -> Seed:
    """The seed is out of the catalogue."""
    return seed.but(retired=True)


@evolves(SeedRenewalRequested, stream=STREAM)
def seed_renewal_requested(seed: Seed, fact: SeedRenewalRequested, event: Event) -> Seed:
    """The owner's answer is awaited."""
    return seed.but(asked=(*seed.asked, event.recorded_at))


@evolves(SeedHidden, stream=STREAM)
def seed_hidden(seed: Seed, fact: SeedHidden, event: Event) -> Seed:
    """Searches no longer find it."""
    return seed.but(hidden=True)
