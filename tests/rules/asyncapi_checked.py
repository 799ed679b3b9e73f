"""Holds `docs/asyncapi.json` against the JSON Schema that AsyncAPI itself publishes, given as a file."""

import json
import sys
from pathlib import Path

from jsonschema import Draft7Validator

if __name__ == "__main__":
    schema, told = (
        json.loads(Path(one).read_text("utf-8"))
        for one in (sys.argv[1], Path(__file__).parents[2] / "docs" / "asyncapi.json")
    )
    faults = [
        f"{'/'.join(map(str, one.absolute_path))}: {one.message[:200]}"
        for one in Draft7Validator(schema).iter_errors(told)
    ]
    print("\n".join(faults) or f"valid AsyncAPI {told['asyncapi']}: {len(told['components']['messages'])} messages")
    sys.exit(bool(faults))
