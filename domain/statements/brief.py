"""What goes into a dossier and what comes out of it."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

from pydantic import Field

from domain.envelope import Event
from domain.records import Record
from domain.state import Case, Consent


class Basis(StrEnum):
    """On what a statement rests (`domain.md` 3b, line type)."""

    observed = "observed"
    declared = "declared"
    contractual = "contractual"
    computed = "computed"


class Exhibit(Record):
    """One event of the case with its place in the transparency log."""

    event: Event
    leaf_index: int
    """The event's place in the log; its global position less one."""
    leaf_hash: str
    """SHA-256 of a zero byte and the kept bytes, in hexadecimal (RFC 9162)."""


class Brief(Record):
    """All that a dossier is made from: the same brief gives the same dossier in any year."""

    template: int
    dossier_id: str | None = None
    version: int | None = None
    """None: a preview, which nobody has issued."""
    case: Case
    """As it stood at the cut-off."""
    case_name: str
    """The id under which the lender knows the case."""
    exhibits: tuple[Exhibit, ...]
    """The case's events up to the cut-off, in order."""
    consent: Consent
    lender_id: str
    lending_context: str | None = None
    issued_at: datetime
    names: Mapping[str, str] = Field(default_factory=dict)
    """Names of organizations as they were at the issue, by id."""


class Statement(Record):
    """One line of a dossier. *cites* are ids of events at or before the cut-off, at least one."""

    line_id: str
    statement_ja: str
    statement_en: str
    basis: Basis = Field(alias="class")
    cites: tuple[str, ...]
    as_of: date
    confirmed_by: str | None = None


class Section(Record):
    """One section, D0 to D13."""

    section: str
    title_ja: str
    title_en: str
    lines: tuple[Statement, ...]


class Summary(Record):
    """The first page, as ids of lines: what happened, what is missing, what is due next."""

    happened: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    due: tuple[str, ...] = ()


class Citation(Record):
    """One event that a dossier cites."""

    event_id: str
    type: str
    type_ja: str
    type_en: str
    occurred_at: datetime
    recorded_at: datetime
    actor_role: str
    leaf_index: int
    leaf_hash: str


class Content(Record):
    """What a dossier says, before it has a form."""

    brief: Brief
    sections: tuple[Section, ...]
    summary: Summary
    citations: tuple[Citation, ...]
    reports: tuple[str, ...] = ()
    """The visit reports whose content it tells."""
