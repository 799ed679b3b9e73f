"""Events that outlive their shape: pure functions from one schema version of an event's data to the next.

What is stored is never rewritten. When an event type gets a new shape, its record gets a higher `schema_version` and
one function here takes the old data to the new; older versions pass through all of them in turn.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

Upcaster: TypeAlias = Callable[[Mapping[str, Any]], dict[str, Any]]
Upcasters: TypeAlias = Mapping[tuple[str, int], Upcaster]

UPCASTERS: Final[Upcasters] = {}
"""By event type and the version that is taken one version further."""


def upcast(
    name: str, version: int, data: Mapping[str, Any], upcasters: Upcasters = UPCASTERS
) -> tuple[Mapping[str, Any], int]:
    """*data* of the event *name* as its newest shape, and that shape's version."""
    while (name, version) in upcasters:
        data = upcasters[name, version](data)
        version += 1
    return data, version
