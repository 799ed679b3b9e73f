"""In what the fields of commands and events are measured, by their names (`contract.md` section 3)."""

from collections.abc import Mapping
from typing import Any, Final

_SUFFIXES: Final[Mapping[str, str]] = {
    "_on": "A calendar day in Japan.",
    "_at": "An instant, in UTC.",
    "_rate": "A share as a decimal string: 0.30 means 30 %.",
    "_band": "An amount of money as a band, in JPY.",
    "_days": "In calendar days.",
    "_version": "A version, counted from 1.",
    "_count": "How many.",
}
_NAMES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("direct", "indirect", "visiting", "success_fee", "fee", "total"), "In JPY, as a decimal string."),
    **dict.fromkeys(("jobs", "rd_staff", "attendance"), "In persons."),
    **dict.fromkeys(("trl", "trl_seen", "initial_trl"), "Technology readiness level, 1 to 9."),
    "level": "Readiness: 1 to 9 of its scale. Of a reminder: which step of its timer, from 1.",
    "capacity": "Cases at one time.",
    "patents": "How many, or their numbers.",
    "score": "Likeness as a decimal string, 0 to 1.",
    "version": "A version, counted from 1.",
    "keys_destroyed": "How many.",
    "template": "The number of the template that made it, counted from 1.",
    "reason_counts": "How many, by reason.",
    "respond_by": "A calendar day in Japan.",
    "desired_by": "A calendar day in Japan.",
    "valid_until": "A calendar day in Japan; the day itself is in.",
    "as_of": "A calendar day in Japan.",
}


def unit_of(field: str) -> str | None:
    """What *field* is measured in; None where it is no measure."""
    if field in _NAMES:
        return _NAMES[field]
    return next((unit for suffix, unit in _SUFFIXES.items() if field.endswith(suffix)), None) or None


def with_units(schema: dict[str, Any]) -> dict[str, Any]:
    """*schema* with a description at each field that is a measure; one that is there stays."""
    told = {
        name: {**field, "description": unit} if (unit := unit_of(name)) and "description" not in field else field
        for name, field in schema.get("properties", {}).items()
    }
    parts = {name: with_units(part) for name, part in schema.get("$defs", {}).items()}
    return {**schema, **({"properties": told} if told else {}), **({"$defs": parts} if parts else {})}
