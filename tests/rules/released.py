"""The shapes of events that were released, as JSON Schemas beside the code, and what may still change in them.

`test_schemas.py` holds the code against `domain/schemas/`; `make schemas` writes new ones.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import domain.case  # noqa: E402, F401 - registers every event
from domain.law import FACTS  # noqa: E402

FOLDER: Final = ROOT / "domain" / "schemas"
"""Where the released shapes lie: a file for each event and version."""

_ADVICE: Final = (
    "keep the released fields as they are, or give the record a higher schema_version and write an upcaster in "
    "domain/upcasting.py"
)


def shape_of(name: str) -> dict[str, Any]:
    """The JSON Schema of the data of the event *name* as it is now."""
    return FACTS[name].data.model_json_schema(mode="serialization", by_alias=True)


def file_of(name: str) -> str:
    """The file of the present shape of *name*."""
    return f"{name}.v{FACTS[name].data.schema_version}.json"


def as_text(shape: Mapping[str, Any]) -> str:
    """*shape* as it is kept."""
    return json.dumps(shape, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def breaks(old: Mapping[str, Any], new: Mapping[str, Any], at: str = "") -> Iterable[str]:
    """What in *new* would break a reader or the stored events of *old*; each sentence names the field and the cure."""
    before, after = old.get("properties", {}), new.get("properties", {})
    for field in before.keys() - after.keys():
        yield f"{at}{field} is gone; {_ADVICE}"
    for field in after.keys() - before.keys():
        if field in new.get("required", ()):
            yield f"{at}{field} is new and required, but stored events lack it; give it a default, or {_ADVICE}"
    for field in before.keys() & after.keys():
        if _meaning(before[field]) != _meaning(after[field]):
            yield f"{at}{field} has another shape; {_ADVICE}"
    for part in old.get("$defs", {}).keys() & new.get("$defs", {}).keys():
        yield from _part_breaks(old["$defs"][part], new["$defs"][part], f"{part}/")


def _part_breaks(old: Mapping[str, Any], new: Mapping[str, Any], at: str) -> Iterable[str]:
    gone = sorted(set(old.get("enum", ())) - set(new.get("enum", ())))
    for value in gone:
        yield f"{at}{value} is gone from the values; {_ADVICE}"
    yield from breaks(old, new, at)


def _meaning(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in schema.items() if key not in {"description", "title", "default", "examples"}}


def write() -> list[str]:
    """Write the shapes that are new, or compatibly wider. Raises ValueError for a breaking change."""
    written = []
    for name in sorted(FACTS):
        path, shape = FOLDER / file_of(name), shape_of(name)
        if path.exists():
            faults = list(breaks(json.loads(path.read_text("utf-8")), shape))
            if faults:
                raise ValueError(f"{name}: {faults[0]}")
        if not path.exists() or path.read_text("utf-8") != as_text(shape):
            path.write_text(as_text(shape), "utf-8")
            written.append(path.name)
    return written


if __name__ == "__main__":
    print(*write(), sep="\n")
