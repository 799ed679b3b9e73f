"""The rules, a file a stage: its events, its commands, what decides them and what they change.

Importing this package registers them all with `domain.law`.
"""

from domain.stages import (
    agreement,
    assignment,
    cancellation,
    closing,
    commercialization,
    consent,
    consultation,
    correction,
    decisions,
    erasure,
    intake,
    inventions,
    merging,
    publication,
    research,
    review,
    search,
    succession,
    timing,
    transfer,
    viewing,
    visit,
)

__all__ = [
    "agreement",
    "assignment",
    "cancellation",
    "closing",
    "commercialization",
    "consent",
    "consultation",
    "correction",
    "decisions",
    "erasure",
    "intake",
    "inventions",
    "merging",
    "publication",
    "research",
    "review",
    "search",
    "succession",
    "timing",
    "transfer",
    "viewing",
    "visit",
]
