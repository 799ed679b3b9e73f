"""What a key or token is for: it may do less than the person it stands for, never more."""

from enum import StrEnum


class Scope(StrEnum):
    """One kind of use of the interface."""

    all = "all"
    """Whatever the person may do."""
    needs_write = "needs:write"
    """Refer needs, and upload what belongs to them: what a bank's core system needs."""
    cases_read = "cases:read"
    """Read cases, their events, documents and dossiers."""
    cases_write = "cases:write"
    """Give every other command of the catalogue."""
    feed_read = "feed:read"
    """Follow a lender's feed."""
    feed_write = "feed:write"
    """Look after a lender's webhooks."""
    audit_read = "audit:read"
    """Read the transparency log."""
    people_read = "people:read"
    """Read who is who, who is away, and what is told to whom."""
    people_write = "people:write"
    """Register organizations and people, issue and end their keys."""
