"""Whatever is sent to whichever operation, the answer is the one described; `make fuzz` looks longer."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("worker")
FUZZ = Path(__file__).parent / "fuzz"
EXAMPLES = os.environ.get("HASHI_FUZZ_EXAMPLES", "1")
PHASES = os.environ.get("HASHI_FUZZ_PHASES", "examples,fuzzing")
MORE = os.environ.get("HASHI_FUZZ_OPTIONS", "").split()


async def test_every_operation_answers_as_described(address: str, keys: dict[str, str], tmp_path: Path) -> None:
    program = [str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(FUZZ / "schemathesis.toml")]
    options = ["--phases", PHASES, "--max-examples", EXAMPLES, "--generation-deterministic", "--no-shrink"]
    environment = {
        **os.environ,
        "HASHI_FUZZ_KEYS": json.dumps(keys),
        "NO_PROXY": "*",
        "SCHEMATHESIS_HOOKS": str(FUZZ / "hooks.py"),
    }
    process = await asyncio.create_subprocess_exec(
        *(*program, "run", f"{address}/v1/openapi.json", "--url", address, *options, *MORE),
        cwd=tmp_path,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    print(told.decode())
    assert process.returncode == 0, told.decode()[-20_000:]
