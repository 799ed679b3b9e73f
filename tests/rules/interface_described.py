"""The interface as it was last accepted, in `docs/openapi.json`: `make openapi` writes it, a test compares."""

import json
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from workers.cli.schema import interface  # noqa: E402

FILE: Final = ROOT / "docs" / "openapi.json"


def as_text() -> str:
    """The description of the interface as it is kept."""
    return json.dumps(interface(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(as_text(), "utf-8")
