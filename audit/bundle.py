"""Writes bundles: all that an auditor needs to check a case, or the whole log, without us and without a network."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import audit.verify_bundle
import domain
from audit.log import known_keys, last_sealed, prove_inclusion, tiles
from audit.session import Session, session
from audit.tree import Place, edge
from audit.verify_bundle import CASES, TILE, Tree, tile_name
from store.pool import Pool, fetch
from store.rebuild import Tell

_README: Final = Path(__file__).with_name("bundle.md")
_SCHEMAS: Final = Path(domain.__file__).parent / "schemas"
_MOST_CHECKPOINTS: Final = 1_000
_OFTEN: Final = 2_000
_OF_STREAM: Final = "SELECT position, body FROM hashi.events WHERE stream = %s AND position <= %s ORDER BY version"
_BODIES: Final = "COPY (SELECT body FROM hashi.events WHERE position <= {} ORDER BY position) TO STDOUT (FORMAT binary)"
_LEAVES: Final = (
    "COPY (SELECT leaf_hash FROM hashi.log_leaves WHERE position <= {} ORDER BY position) TO STDOUT (FORMAT binary)"
)
_SOME_CHECKPOINTS: Final = """
SELECT size, note FROM (SELECT *, row_number() OVER (ORDER BY size DESC) - 1 AS n, count(*) OVER () AS many
                        FROM hashi.log_checkpoints) AS all_of_them
WHERE n %% (many / %s + 1) = 0 ORDER BY size
"""
_LAST: Final = "SELECT note FROM hashi.log_checkpoints ORDER BY size DESC LIMIT 1"
_KEYS: Final = "SELECT vkey FROM hashi.log_keys ORDER BY first_used_at, vkey"


class NothingSealed(LookupError):
    """There is nothing to export: no checkpoint yet, or no sealed event of the case."""


class Writer:
    """A zip file that is the same for the same content."""

    def __init__(self, file: ZipFile) -> None:
        self._file = file

    def add(self, name: str, content: bytes) -> None:
        self._file.writestr(self._info(name), content)

    def add_lines(self, name: str, lines: Iterable[bytes]) -> int:
        count = 0
        with self._file.open(self._info(name), "w", force_zip64=True) as out:
            for line in lines:
                out.write(line + b"\n")
                count += 1
        return count

    def add_frame(self, note: bytes, keys: Iterable[str], told: Mapping[str, Any], readme: Path = _README) -> None:
        """What is in every bundle: the checkpoint, the keys, what this is, and how to check it."""
        self.add("checkpoint", note)
        self.add_lines("keys.txt", [one.encode() for one in keys])
        manifest = {"format": CASES, **told}
        self.add("manifest.json", json.dumps(manifest, ensure_ascii=False, indent=2).encode() + b"\n")
        self.add("README.md", readme.read_bytes())
        self.add("verify_bundle.py", Path(audit.verify_bundle.__file__).read_bytes())

    def add_schemas(self, wanted: Iterable[str]) -> None:
        for name in sorted(set(wanted)):
            path = _SCHEMAS / name
            if path.is_file():
                self.add(f"schemas/{name}", path.read_bytes())

    @staticmethod
    def _info(name: str) -> ZipInfo:
        info = ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
        info.compress_type = ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        return info


@contextmanager
def _writing(path: Path) -> Iterator[Writer]:
    """The bundle at *path*, there whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with ZipFile(draft, "w") as file:
            yield Writer(file)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


async def export_case(pool: Pool, case_id: str, path: Path) -> dict[str, int]:
    """Write the sealed events of one case with their proofs to *path*; returns what it holds.

    Raises NothingSealed, OSError, StoreUnreachable.
    """
    sealed, stream = await last_sealed(pool), f"case-{case_id}"
    found = await fetch(pool, _OF_STREAM, [stream, sealed.checkpoint.size]) if sealed else []
    if sealed is None or not found:
        raise NothingSealed(stream)
    size = sealed.checkpoint.size
    places = sorted({*edge(size), *(one for position, *_ in found for one in _above(position - 1, size))})
    with _writing(path) as out:
        for number, (position, *_) in enumerate(found, 1):
            out.add(f"proofs/{number:06d}.tlog-proof", await prove_inclusion(pool, position, sealed))
        for place, hashes in (await tiles(pool, places, size)).items():
            out.add(tile_name(*place, len(hashes)), b"".join(hashes))
        out.add_lines("events.jsonl", [bytes(body) for *_, body in found])
        events = [json.loads(body) for _, body in found]
        out.add_schemas(f"{one['type']}.v{one['schema_version']}.json" for one in events)
        told = {"scope": stream, "events": len(found), "size": size}
        out.add_frame(sealed.note, await known_keys(pool), told)
    return {"events": len(found), "proofs": len(found), "tiles": len(places), "checkpoints": 1, "size": size}


def export_log(url: str, path: Path, tell: Tell) -> dict[str, int]:
    """Write the whole sealed log to *path*; returns what it holds. Raises NothingSealed, OSError, StoreUnreachable."""
    with session(url) as opened:
        notes = opened.asking.execute(_LAST).fetchall()
        if not notes:
            raise NothingSealed("log")
        note = bytes(notes[0][0])
        size = int(note.split(b"\n", 2)[1])
        with _writing(path) as out:
            events = out.add_lines("events.jsonl", _copied(opened, _BODIES, size, lambda done: tell(done, 2 * size)))
            count = 0
            for name, content in _tiles_of(_copied(opened, _LEAVES, size, lambda done: tell(size + done, 2 * size))):
                out.add(name, content)
                count += 1
            kept = opened.asking.execute(_SOME_CHECKPOINTS, [_MOST_CHECKPOINTS]).fetchall()
            for one, text in kept:
                out.add(f"checkpoints/{one}", bytes(text))
            out.add_schemas(one.name for one in _SCHEMAS.glob("*.json"))
            keys = [vkey for (vkey,) in opened.asking.execute(_KEYS)]
            out.add_frame(note, keys, {"scope": "log", "events": events, "size": size})
    return {"events": events, "proofs": 0, "tiles": count, "checkpoints": len(kept), "size": size}


def _copied(opened: Session, query: str, size: int, tell: Callable[[int], None]) -> Iterator[bytes]:
    with opened.reading.cursor().copy(query.format(size).encode()) as kept:
        kept.set_types(["bytea"])
        for count, (one,) in enumerate(kept.rows(), 1):
            yield one
            if count % _OFTEN == 0 or count == size:
                tell(count)


def _tiles_of(leaves: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """All tiles over *leaves*, full ones as they come, then those at the edge."""
    tree = Tree()
    for leaf in leaves:
        for level, number, hashes in tree.add(leaf):
            yield tile_name(level, number), b"".join(hashes)
    for level, hashes in enumerate(tree.edges):
        if hashes:
            yield tile_name(level, tree.size >> 8 * (level + 1), len(hashes)), b"".join(hashes)


def _above(index: int, size: int) -> Iterator[Place]:
    """The tile that holds the leaf *index* of the tree of *size*, and those above it up to one that is not full."""
    level = 0
    while True:
        number = index // TILE
        yield level, number
        if (number + 1) * TILE > size >> 8 * level:
            return
        level, index = level + 1, number
