"""The wheel, not the folder: what it holds, and that it works in an environment of its own."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest

PROJECT = Path(__file__).parents[2]
PACKAGES = (
    *(
        "domain",
        "seeds",
        "store",
        "audit",
        "activities",
        "dossier",
        "workflows",
        "gateway",
        "console",
        "workers",
        "migrations",
    ),
    "bench",
)
ORIGINS = """
import importlib.util, json
print(json.dumps({name: importlib.util.find_spec(name).origin for name in %r}))
"""


def environment() -> dict[str, str]:
    """The environment without what would name settings or other packages."""
    own = ("HASHI_", "TEMPORAL_", "PYTHON")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}


class Installed(NamedTuple):
    """A fresh environment with the wheel in it."""

    wheel: Path
    venv: Path
    folder: Path

    def run(self, program: str, *words: str) -> str:
        """What *program* of the environment says, started from a folder that holds nothing of ours."""
        kept = environment()
        told = subprocess.run(
            [str(self.venv / "bin" / program), *words],
            cwd=self.folder,
            env={**kept, "TEMPORAL_CONFIG_FILE": os.devnull, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, told.stderr + told.stdout
        return told.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel, built and installed; the pinned requirements are those of the running environment.

    They are reached by a .pth file, added after our packages, and without the .pth file that an editable install left
    (a folder named in a .pth is searched, its own .pth files are not read).
    """
    base = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(base), str(PROJECT)]
    subprocess.run([*pip, *build], check=True)
    [wheel] = base.glob("hashi_referral-*.whl")
    venv, folder = base / "venv", base / "elsewhere"
    folder.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    subprocess.run(
        [*pip, "--python", str(venv / "bin" / "python"), "install", "--no-deps", str(wheel)],
        env=environment(),
        check=True,
    )
    [site] = (venv / "lib").glob("python*/site-packages")
    (site / "requirements.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    return Installed(wheel, venv, folder)


def test_the_wheel_holds_our_packages_and_nothing_else(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {name for name in tops if not name.endswith(".dist-info")} == set(PACKAGES)


@pytest.mark.parametrize("pattern", ["migrations/sql/*.sql", "migrations/versions/*.py", "workers/play/scripts/*.yaml"])
def test_the_wheel_holds_the_data_files(installed: Installed, pattern: str) -> None:
    shipped = {path.relative_to(PROJECT).as_posix() for path in PROJECT.glob(pattern)}
    with zipfile.ZipFile(installed.wheel) as archive:
        assert shipped
        assert shipped <= set(archive.namelist())


def test_the_packages_come_from_the_wheel(installed: Installed) -> None:
    origins: dict[str, str] = json.loads(installed.run("python", "-c", ORIGINS % (PACKAGES,)))
    assert all(Path(origin).is_relative_to(installed.venv) for origin in origins.values())


def test_the_doctor_finds_a_fresh_install_healthy(installed: Installed) -> None:
    told: dict[str, Any] = json.loads(installed.run("hashi", "doctor", "--json"))
    assert told["healthy"]
    found = {one["name"]: one for one in told["findings"]}
    assert found["Package names"]["level"] == "ok"
    assert found["PostgreSQL"]["remedy"] == "hashi up"


def test_the_commands_are_printed_by_the_installed_program(installed: Installed) -> None:
    told = json.loads(installed.run("hashi", "schema", "commands"))
    assert "ReferNeed" in told["commands"]


def test_the_migrations_are_found_where_they_were_installed(installed: Installed) -> None:
    assert installed.run("python", "-c", "import migrations; print(migrations.head())").strip()


def test_the_shipped_scripts_are_listed(installed: Installed) -> None:
    assert "ceramics" in installed.run("hashi", "play", "--list")
