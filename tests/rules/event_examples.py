"""Write domain/examples.json from what the told stories bring about: `python tests/rules/event_examples.py`.

An example that still fits stays; the commands that cause an event are told anew.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
FILE: Final = ROOT / "domain" / "examples.json"


def fits(name: str, data: Mapping[str, Any]) -> bool:
    """Whether *data* is still an example of the event *name*."""
    from domain.law import FACTS

    try:
        read = FACTS[name].data.model_validate_json(json.dumps(data))
    except ValueError:
        return False
    return read.model_dump(mode="json", exclude_none=True, by_alias=True) == data


def main() -> int:
    """Tell the stories and write what they had; pytest's own status."""
    status = pytest.main(
        ["-q", "--no-header", "--deselect", "tests/rules/test_paper.py", str(ROOT / "tests" / "rules")]
    )
    from rules_story import SAID

    from domain.law import FACTS

    kept = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
    told = {}
    for name in sorted(FACTS):
        said = SAID[name]
        old = kept.get(name, {}).get("data")
        data = old if old is not None and fits(name, old) else said.data
        told[name] = {"data": data, "commands": sorted(said.commands)}
    FILE.write_text(json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
