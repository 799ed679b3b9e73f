"""The interface as it was last accepted, in `docs/`: `make openapi` writes both descriptions, a test compares."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from gateway.lender_contract import asyncapi  # noqa: E402
from workers.cli.schema import interface  # noqa: E402

FILES: Final = {ROOT / "docs" / "openapi.json": interface, ROOT / "docs" / "asyncapi.json": asyncapi}
"""Each description, and what tells it."""


def as_text(told: Callable[[], dict[str, Any]]) -> str:
    """A description as it is kept."""
    return json.dumps(told(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    for file, told in FILES.items():
        file.write_text(as_text(told), "utf-8")
