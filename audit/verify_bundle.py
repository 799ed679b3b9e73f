"""Check an audit bundle of Hashi, or a dossier, offline: `python3 verify_bundle.py FILE --key VKEY`. 監査バンドルの検証

Needs Python 3.11 or newer and the package `cryptography`, nothing of Hashi; the same file is what
`hashi audit verify-bundle` runs. Read it from top to bottom: hashes (RFC 9162), signed notes, checkpoints and proofs
(C2SP), then what a bundle has to hold. Exit status: 0 all fits; 1 something does not; 2 there is no such bundle.
"""

import argparse
import base64
import binascii
import hashlib
import io
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TILE: Final = 256
"""Hashes of a full tile."""
MOST: Final = 2**63 - 1
"""The largest size of a tree."""
NOTE_LIMIT: Final = 1_000_000
"""Most bytes of a signed note or a proof."""
LINE_LIMIT: Final = 16_000_000
"""Most bytes of one event."""
PROOF: Final = "c2sp.org/tlog-proof@v1"
CASES: Final = "hashi-audit-bundle/1"
EVIDENCE: Final = "hashi-dossier-evidence/1"
"""The two kinds of bundles: a case or the whole log; and the evidence inside a dossier's PDF."""
_ED25519: Final = b"\x01"
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


class Broken(Exception):
    """Something does not fit; said in both languages."""

    def __init__(self, en: str, ja: str) -> None:
        super().__init__(shown(en))
        self.en: Final = shown(en)
        self.ja: Final = shown(ja)


def shown(text: str) -> str:
    """*text*, which may come from whoever made the bundle, without anything that acts on a terminal."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


# Hashes: RFC 9162, section 2.1


def leaf_hash(body: bytes) -> bytes:
    """The leaf hash of the kept bytes of one event."""
    return hashlib.sha256(b"\0" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node above two."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root above *hashes*, which are perfect subtrees of one height, in order."""
    if not hashes:
        return hashlib.sha256().digest()
    level = list(hashes)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        odd = level[-1:] if len(level) % 2 else []
        level = [hashlib.sha256(b"\1" + left + right).digest() for left, right in pairs] + odd
    return level[0]


class Tree:
    """A tree that grows: it holds, of each level of tiles, the one that is not full yet."""

    def __init__(self, size: int = 0, edges: Iterable[Sequence[bytes]] = ()) -> None:
        self.size = size
        self.edges: list[list[bytes]] = []
        self._peaks: list[list[bytes]] = []
        """Of each edge the roots of its perfect subtrees, from the left: a bit of its length each."""
        for level, hashes in enumerate(edges):
            self._grow(level)
            for one in hashes:
                self._push(level, one)

    def add(self, leaf: bytes) -> list[tuple[int, int, list[bytes]]]:
        """Add one leaf hash; returns level, number and hashes of every tile that it filled."""
        self.size += 1
        filled: list[tuple[int, int, list[bytes]]] = []
        level, one = 0, leaf
        while True:
            self._grow(level)
            if self._push(level, one) < TILE:
                return filled
            filled.append((level, (self.size >> 8 * (level + 1)) - 1, self.edges[level]))
            [one] = self._peaks[level]
            self.edges[level], self._peaks[level] = [], []
            level += 1

    def root(self) -> bytes:
        """The root of the leaves so far."""
        found = b""
        for peaks in self._peaks:
            for one in reversed(peaks):
                found = node_hash(one, found) if found else one
        return found or root_of(())

    def _grow(self, level: int) -> None:
        if level == len(self.edges):
            self.edges.append([])
            self._peaks.append([])

    def _push(self, level: int, one: bytes) -> int:
        """Add *one* to the edge of *level*; returns how many it holds."""
        edge, peaks = self.edges[level], self._peaks[level]
        edge.append(one)
        count = rest = len(edge)
        while rest % 2 == 0:
            one, rest = hashlib.sha256(b"\1" + peaks.pop() + one).digest(), rest // 2
        peaks.append(one)
        return count


def _require_hashes(*given: bytes) -> None:
    if any(len(one) != 32 for one in given):
        raise Broken("a hash is not 32 bytes", "ハッシュが 32 バイトではありません")


def root_of_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """The root of the tree of *size* in which *path* puts *leaf* at *index* (2.1.3.2). Raises Broken."""
    if not 0 <= index < size <= MOST:
        raise Broken(f"leaf {index} cannot be in a tree of {size}", f"大きさ {size} の木に葉 {index} はありません")
    _require_hashes(leaf, *path)
    here, last, found, rest = index, size - 1, leaf, list(path)
    while last > 0:
        if here % 2 or here < last:
            if not rest:
                raise Broken("the inclusion proof is too short", "包含証明が短すぎます")
            found = node_hash(rest.pop(0), found) if here % 2 else node_hash(found, rest.pop(0))
        here, last = here // 2, last // 2
    if rest:
        raise Broken("the inclusion proof is too long", "包含証明が長すぎます")
    return found


def verify_consistency(first: int, second: int, roots: tuple[bytes, bytes], path: Sequence[bytes]) -> None:
    """Check by *path* that the tree of *second* leaves begins with that of *first* (2.1.4.2). Raises Broken."""
    unfit = Broken(
        f"the log of {second} does not begin with the log of {first}",
        f"大きさ {second} のログは大きさ {first} のログの続きではありません",
    )
    if not 0 <= first <= second <= MOST:
        raise Broken(f"{first} is later than {second}", f"{first} は {second} より後です")
    _require_hashes(*path)
    if first in (0, second):
        if path or first == 0 or roots[0] != roots[1]:  # every log begins with the empty one: that proves nothing
            raise unfit
        return
    rest = list(path)
    here, last = first - 1, second - 1
    while here % 2:
        here, last = here // 2, last // 2
    if not rest:
        raise unfit
    old = new = roots[0] if here == 0 else rest.pop(0)
    for one in rest:
        if last == 0:
            raise unfit
        if here % 2 or here == last:
            old, new = node_hash(one, old), node_hash(one, new)
            while here % 2 == 0 and here:
                here, last = here // 2, last // 2
        else:
            new = node_hash(new, one)
        here, last = here // 2, last // 2
    if last or (old, new) != roots:
        raise unfit


# Signed notes, checkpoints and proofs: C2SP signed-note, tlog-checkpoint, tlog-proof


class Key(NamedTuple):
    """A verifier key: who signs, the key's id, and the public key."""

    name: str
    key_id: bytes
    public: bytes

    def __str__(self) -> str:
        """The key as it is written (vkey)."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"


class Checkpoint(NamedTuple):
    """The signed head of a log: whose it is, how many leaves, and their root."""

    origin: str
    size: int
    root: bytes


class Proof(NamedTuple):
    """That one leaf is in the log of a checkpoint."""

    leaf_index: int
    path: tuple[bytes, ...]
    note: bytes
    """The checkpoint as it is written."""


def key_of(name: str, public: bytes) -> Key:
    """The verifier key of an Ed25519 *public* key."""
    return Key(name, hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4], public)


def parse_key(text: str) -> Key:
    """The verifier key that *text* is. Raises Broken."""
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    public = _base64(encoded, "a key", "鍵")
    if not _is_name(name) or len(public) != 33 or public[:1] != _ED25519:
        raise Broken("this is no Ed25519 verifier key (name+id+base64)", "Ed25519 の検証鍵ではありません")
    key = key_of(name, public[1:])
    if key.key_id.hex() != key_id:
        raise Broken(f"the id of the key of {name} is not that of its bytes", f"{name} の鍵の ID が一致しません")
    return key


def open_note(note: bytes, keys: Iterable[Key]) -> tuple[str, list[Key]]:
    """The text of the signed *note*, and those of *keys* that signed it: at least one. Raises Broken."""
    no_note = Broken("this is no signed note", "署名付きノートの形式ではありません")
    text, signatures = _divided(note, no_note)
    known = {(key.name, key.key_id): key for key in keys}
    signed: list[Key] = []
    for line in signatures:
        name, _, encoded = line.removeprefix("— ").partition(" ")
        told = _base64(encoded, "a signature", "署名")
        if not line.startswith("— ") or not _is_name(name) or len(told) < 5:
            raise no_note
        key = known.get((name, told[:4]))
        if key is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(told[4:], text.encode())
        except (InvalidSignature, ValueError) as error:
            raise Broken(f"the signature of {name} is forged", f"{name} の署名が偽造されています") from error
        signed.append(key)
    if not signed:
        who = ", ".join(sorted({_signer(one) for one in signatures}))
        raise Broken(
            f"no known key signed the checkpoint; it is signed by {who}",
            f"既知の鍵による署名がありません(署名者: {who})",
        )
    return text, signed


def _signer(line: str) -> str:
    """Who made the signature *line*, with the key's id: the beginning of the verifier key to look for."""
    name, _, encoded = line.removeprefix("— ").partition(" ")
    return f"{name}+{_base64(encoded, 'a signature', '署名')[:4].hex()}"


def _divided(note: bytes, no_note: Broken) -> tuple[str, list[str]]:
    try:
        told = note.decode("utf-8") if len(note) <= NOTE_LIMIT else ""
    except UnicodeDecodeError as error:
        raise no_note from error
    text, gap, rest = told.rpartition("\n\n")
    if not gap or not text or not rest.endswith("\n") or _CONTROL.search(told):
        raise no_note
    return f"{text}\n", rest[:-1].split("\n")


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that the *text* of a note is. Raises Broken."""
    lines = text.split("\n")
    if len(lines) < 4 or not all(lines[:-1]) or lines[-1]:
        raise Broken("this note is no checkpoint", "チェックポイントの形式ではありません")
    root = _base64(lines[2], "a root", "ルート")
    if len(root) != 32:
        raise Broken("the root of the checkpoint is not 32 bytes", "ルートが 32 バイトではありません")
    return Checkpoint(lines[0], _number(lines[1]), root)


def open_checkpoint(note: bytes, keys: Iterable[Key]) -> Checkpoint:
    """The checkpoint in *note*, signed with one of *keys* in the name of its own log. Raises Broken."""
    text, signed = open_note(note, keys)
    found = parse_checkpoint(text)
    if found.origin not in {one.name for one in signed}:
        raise Broken(
            f"the checkpoint is of another log: {found.origin}", f"別のログのチェックポイントです: {found.origin}"
        )
    return found


def parse_proof(text: bytes) -> Proof:
    """The proof that *text* is. Raises Broken."""
    no_proof = Broken("this is no tlog-proof", "tlog-proof の形式ではありません")
    head, gap, note = text.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n") if gap and len(text) <= NOTE_LIMIT else []
    except UnicodeDecodeError as error:
        raise no_proof from error
    if lines[1:2] and lines[1].startswith("extra "):
        del lines[1]
    if len(lines) < 2 or lines[0] != PROOF or not lines[1].startswith("index "):
        raise no_proof
    path = tuple(_base64(line, "a hash", "ハッシュ") for line in lines[2:])
    if len(path) > 63 or any(len(one) != 32 for one in path):
        raise no_proof
    return Proof(_number(lines[1].removeprefix("index ")), path, note)


def verify_proof(proof: Proof, body: bytes, checkpoint: Checkpoint) -> None:
    """Check that *body* is where *proof* says in the log of *checkpoint*. Raises Broken."""
    if root_of_inclusion(proof.leaf_index, checkpoint.size, leaf_hash(body), proof.path) != checkpoint.root:
        raise Broken(
            f"the event is not leaf {proof.leaf_index} of the log",
            f"このイベントはログの葉 {proof.leaf_index} ではありません",
        )


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(one.isspace() for one in name)


def _number(text: str) -> int:
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", text, re.ASCII) or int(text) > MOST:
        raise Broken("a number is not written as the form wants it", "数値の書式が正しくありません")
    return int(text)


def _base64(text: str, en: str, ja: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        found = b""
    if not found or base64.b64encode(found).decode() != text:
        raise Broken(f"{en} is not in base64", f"{ja}が base64 ではありません")
    return found


# Bundles: a zip file, or the folder it was unpacked to


class Bundle:
    """The files of a bundle; nothing is unpacked."""

    def __init__(self, path: Path) -> None:
        self._folder = path if path.is_dir() else None
        try:
            self._zip = None if self._folder else zipfile.ZipFile(_inside(path))
        except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise Broken(f"{path.name} is no bundle: {error}", f"{path.name} はバンドルではありません") from error

    def names(self, folder: str) -> list[str]:
        """The names of the files in *folder*, without it."""
        if self._zip is None:
            assert self._folder is not None
            place = self._folder / folder
            return sorted(one.name for one in place.iterdir()) if place.is_dir() else []
        prefix = f"{folder}/" if folder else ""
        told = [one.removeprefix(prefix) for one in self._zip.namelist() if one.startswith(prefix)]
        return sorted(one for one in told if one and "/" not in one)

    def read(self, name: str, limit: int = NOTE_LIMIT) -> bytes:
        """The file *name*. Raises Broken when it is missing, damaged or larger than *limit* bytes."""
        found = b"".join(self._lines(name, limit + 1, once=True))
        if len(found) > limit:
            raise Broken(f"{name} is too large", f"{name} が大きすぎます")
        return found

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of the file *name*, one at a time. Raises Broken."""
        for line in self._lines(name, LINE_LIMIT, once=False):
            if not line.endswith(b"\n"):
                raise Broken(f"{name} ends in the middle of a line", f"{name} が途中で終わっています")
            yield line[:-1]

    def _lines(self, name: str, limit: int, *, once: bool) -> Iterator[bytes]:
        try:
            with self._zip.open(name) if self._zip else (self._folder or Path()).joinpath(name).open("rb") as file:
                if once:
                    yield file.read(limit)
                    return
                while line := file.readline(limit):
                    yield line
        except (KeyError, FileNotFoundError) as error:
            raise Broken(f"the bundle lacks {name}", f"バンドルに {name} がありません") from error
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            raise Broken(f"{name} is damaged: {error}", f"{name} が壊れています") from error


def _inside(path: Path) -> Path | io.BytesIO:
    """The bundle at *path*, or the one attached to the PDF there: the stream of a zip file."""
    with path.open("rb") as file:
        if file.read(5) != b"%PDF-":
            return path
    for found in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", path.read_bytes(), re.DOTALL):
        told = found.group(1)
        if not told.startswith(b"PK"):
            try:
                told = zlib.decompressobj().decompress(told, LINE_LIMIT)
            except zlib.error:
                continue
        if told.startswith(b"PK"):
            return io.BytesIO(told)
    raise Broken(f"{path.name} carries no evidence", f"{path.name} に根拠が添付されていません")


def tile_name(level: int, number: int, width: int = TILE) -> str:
    """The place of a tile in a bundle (tlog-tiles)."""
    parts = f"{number:0{-(-len(str(number)) // 3) * 3}d}"
    split = [parts[place : place + 3] for place in range(0, len(parts), 3)]
    place = "/".join([*(f"x{one}" for one in split[:-1]), split[-1]])
    return f"tile/{level}/{place}" + (f".p/{width}" if width < TILE else "")


class Tiles:
    """The tiles of a bundle for the tree of *size*; the last one read of each level is kept."""

    def __init__(self, bundle: Bundle, size: int) -> None:
        self._bundle = bundle
        self.size = size
        self.count = 0
        self._kept: dict[int, tuple[int, list[bytes]]] = {}

    def tile(self, level: int, number: int) -> list[bytes]:
        """The hashes of one tile. Raises Broken when it is missing or not as wide as the tree wants it."""
        if self._kept.get(level, (-1, []))[0] != number:
            width = min(TILE, (self.size >> 8 * level) - number * TILE)
            name = tile_name(level, number, width)
            told = self._bundle.read(name)
            if len(told) != 32 * width:
                raise Broken(f"{name} is truncated or too long", f"{name} の長さが正しくありません")
            self._kept[level] = number, [told[place : place + 32] for place in range(0, len(told), 32)]
            self.count += 1
        return self._kept[level][1]

    def require(self, index: int, leaf: bytes) -> None:
        """Check that *leaf* is at *index*, in its tile and in those above. Raises Broken."""
        level, found = 0, leaf
        while True:
            hashes = self.tile(level, index // TILE)
            if hashes[index % TILE] != found:
                raise Broken(
                    f"tile {level}/{index // TILE} holds another hash", f"タイル {level}/{index // TILE} の不一致"
                )
            if len(hashes) < TILE:
                return
            level, index, found = level + 1, index // TILE, root_of(hashes)

    def root(self) -> bytes:
        """The root that the tiles at the right edge make. Raises Broken."""
        edges, level = [], 0
        while (count := self.size >> 8 * level) > 0:
            edges.append(self.tile(level, count // TILE) if count % TILE else [])
            level += 1
        return Tree(self.size, edges).root()


class Looked(NamedTuple):
    """What was looked at, and what of that fits."""

    scope: str
    origin: str
    size: int
    counts: Mapping[str, int]
    trusted: str
    """`given`, or `bundle` where nobody gave a key and that of the bundle was taken."""


def check(path: Path, keys: Sequence[Key] = (), outside: Sequence[bytes] = ()) -> Looked:
    """Check the bundle at *path* against *keys* you trust and checkpoints you kept. Raises Broken for a fault."""
    bundle = Bundle(path)
    told = _manifest(bundle)
    own = [parse_key(line.decode("utf-8", "replace")) for line in bundle.lines("keys.txt")]
    trusted = list(keys) or own
    note = bundle.read("checkpoint")
    head = open_checkpoint(note, trusted)
    if told["format"] == EVIDENCE:
        counts = _check_dossier(bundle, head, note)
        return Looked(told["scope"], head.origin, head.size, counts, "given" if keys else "bundle")
    others = [bundle.read(f"checkpoints/{name}") for name in bundle.names("checkpoints")]
    kept = sorted({open_checkpoint(one, trusted) for one in [*others, *outside]}, key=lambda one: one.size)
    for one in kept:
        if one.origin != head.origin:
            raise Broken(f"a checkpoint is of another log: {one.origin}", f"別のログのものです: {one.origin}")
        if one.size > head.size:
            raise Broken(
                f"the log ends at {head.size}, but there is a checkpoint of {one.size}: it was shortened, or is older",
                f"ログは {head.size} で終わりますが、{one.size} のチェックポイントがあります",
            )
    tiles = Tiles(bundle, head.size)
    if tiles.root() != head.root:
        raise Broken(
            "the tiles do not make the root of the checkpoint", "タイルがチェックポイントのルートと一致しません"
        )
    whole = told["scope"] == "log"
    events = _check_log(bundle, tiles, kept) if whole else _check_case(bundle, tiles, head, (told["scope"], note))
    if events != told["events"] or not events:
        raise Broken(
            f"{events} of {told['events']} events are there", f"{told['events']} 件中 {events} 件しかありません"
        )
    compared = kept if whole else [one for one in kept if one.size == head.size]
    for one in compared:
        if one.size == head.size and one.root != head.root:
            raise _forked(one)
    counts = {
        "events": events,
        "tiles": tiles.count,
        "checkpoints": len(compared) + 1,
        "proofs": 0 if whole else events,
    }
    if len(kept) > len(compared):
        counts["checkpoints_not_compared"] = len(kept) - len(compared)
    return Looked(told["scope"], head.origin, head.size, counts, "given" if keys else "bundle")


def _manifest(bundle: Bundle) -> dict[str, Any]:
    unfit = Broken("manifest.json is not that of a bundle", "manifest.json が正しくありません")
    try:
        told = json.loads(bundle.read("manifest.json"))
    except (ValueError, RecursionError) as error:
        raise unfit from error
    if not isinstance(told, dict) or told.get("format") not in {CASES, EVIDENCE}:
        raise unfit
    if not isinstance(told.get("scope"), str) or not told["scope"].isprintable() or type(told.get("events")) is not int:
        raise unfit
    return told


def _check_log(bundle: Bundle, tiles: Tiles, kept: Sequence[Checkpoint]) -> int:
    """Grow the whole tree again from the events; returns how many there are."""
    tree, waiting = Tree(), list(kept)
    for body in bundle.lines("events.jsonl"):
        index = tree.size
        if index >= tiles.size:
            raise Broken(
                "there are more events than the checkpoint says", "チェックポイントより多くのイベントがあります"
            )
        leaf = leaf_hash(body)
        if tiles.tile(0, index // TILE)[index % TILE] != leaf:
            raise Broken(*_named(index, body))
        for level, number, hashes in tree.add(leaf):
            if tiles.tile(level, number) != hashes:
                raise Broken(f"tile {level}/{number} is not made of the events", f"タイル {level}/{number} の不一致")
        while waiting and waiting[0].size <= tree.size:
            one = waiting.pop(0)
            if one.size == tree.size and one.root != tree.root():
                raise _forked(one)
    if tree.size != tiles.size or tree.root() != tiles.root():
        raise Broken(
            f"event {tree.size + 1} and what follows is missing", f"{tree.size + 1} 番目以降のイベントがありません"
        )
    return tree.size


def _check_case(bundle: Bundle, tiles: Tiles, head: Checkpoint, told: tuple[str, bytes]) -> int:
    """Check the proof of each event of one case; returns how many there are."""
    scope, note = told
    count = 0
    for count, body in enumerate(bundle.lines("events.jsonl"), 1):
        proof = parse_proof(bundle.read(f"proofs/{count:06d}.tlog-proof"))
        if proof.note != note:
            raise Broken(
                f"proof {count} is against another checkpoint", f"証明 {count} は別のチェックポイントのものです"
            )
        try:
            verify_proof(proof, body, head)
            tiles.require(proof.leaf_index, leaf_hash(body))
            fits = _fields(body)
        except Broken as error:
            en, ja = _named(proof.leaf_index, body)
            raise Broken(f"{en}: {error.en}", f"{ja}: {error.ja}") from error
        if (fits.get("stream"), fits.get("version")) != (scope, count):
            raise Broken(
                f"event {count} of {scope} is missing or out of place", f"{scope} の {count} 番目のイベントがありません"
            )
    return count


def _check_dossier(bundle: Bundle, head: Checkpoint, note: bytes) -> dict[str, int]:
    """Check each record that a dossier cites, and that its content is what was issued; returns what was looked at."""
    document = bundle.read("dossier.json", LINE_LIMIT)
    counts = {"events": 0, "records": 0, "proofs": 0, "not_sealed_yet": 0, "issues": 0}
    bodies, proofs = set(bundle.names("records")), set(bundle.names("proofs"))
    for number, (event_id, index, leaf) in enumerate(_citations(document), 1):
        counts["events"] += 1
        if f"{number:06d}.json" in bodies:
            body = bundle.read(f"records/{number:06d}.json", LINE_LIMIT)
            if leaf_hash(body) != leaf or _fields(body).get("event_id") != event_id:
                raise Broken(*_named(index, body))
            counts["records"] += 1
        if f"{number:06d}.tlog-proof" in proofs:
            proof = parse_proof(bundle.read(f"proofs/{number:06d}.tlog-proof"))
            _require_proof(proof, leaf, (index, head, note), f"{number} ({event_id})")
            counts["proofs"] += 1
        elif index < head.size:
            raise Broken(f"the proof of record {number} is missing", f"記録 {number} の証明がありません")
        else:
            counts["not_sealed_yet"] += 1
    if "issue.json" in bundle.names(""):
        _check_issue(bundle, document, head, note)
        counts["issues"] = 1
    return counts


def _citations(document: bytes) -> list[tuple[str, int, bytes]]:
    """What a dossier cites: id, place in the log and leaf hash of each record. Raises Broken."""
    try:
        told = json.loads(document)["citations"]
        return [(str(one["event_id"]), int(one["leaf_index"]), bytes.fromhex(one["leaf_hash"])) for one in told]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Broken("dossier.json is no dossier", "dossier.json が資料の形式ではありません") from error


def _require_proof(proof: Proof, leaf: bytes, place: tuple[int, Checkpoint, bytes], name: str) -> None:
    index, head, note = place
    unfit = Broken(f"record {name} is not at {index} of the log", f"記録 {name} はログの {index} にありません")
    if proof.note != note or proof.leaf_index != index:
        raise unfit
    if root_of_inclusion(index, head.size, leaf, proof.path) != head.root:
        raise unfit


def _check_issue(bundle: Bundle, document: bytes, head: Checkpoint, note: bytes) -> None:
    """Check that the record of the issue is in the log, and that it holds the hash of *document*. Raises Broken."""
    body, proof = bundle.read("issue.json", LINE_LIMIT), parse_proof(bundle.read("issue.tlog-proof"))
    _require_proof(proof, leaf_hash(body), (proof.leaf_index, head, note), "issue")
    fact = _fields(body).get("data")
    if not isinstance(fact, dict) or fact.get("content_hash") != hashlib.sha256(document).hexdigest():
        raise Broken("the dossier is not the one that was issued", "資料の内容が発行されたものと一致しません")


def _forked(one: Checkpoint) -> Broken:
    return Broken(
        f"the log is not the one that was signed at {one.size}: it was rewritten or forked",
        f"サイズ {one.size} で署名されたログと異なります(書き換えまたは分岐)",
    )


def _fields(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _named(index: int, body: bytes) -> tuple[str, str]:
    told = _fields(body)
    what = f"{told.get('type', '?')} {told.get('event_id', '?')} ({told.get('stream', '?')} {told.get('version', '?')})"
    return (
        f"event at position {index + 1} was changed: {what}",
        f"位置 {index + 1} のイベントが変更されています: {what}",
    )


def main(words: Sequence[str]) -> int:
    """Check what the command line *words* name; prints the verdict and returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("bundle", nargs="?", type=Path, default=Path(__file__).parent, help="zip file or folder")
    parser.add_argument("--key", action="append", default=[], help="a verifier key you were given (vkey)")
    parser.add_argument("--checkpoint", action="append", default=[], type=Path, help="a checkpoint you kept")
    parser.add_argument("--json", action="store_true", help="the verdict as JSON")
    asked = parser.parse_args(words)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without Japanese still tells the verdict
    try:
        outside = [one.read_bytes() for one in asked.checkpoint]
        if not asked.bundle.exists():
            raise FileNotFoundError(2, "there is no such file", str(asked.bundle))
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    try:
        looked = check(asked.bundle, [parse_key(one) for one in asked.key], outside)
    except Broken as error:
        told: dict[str, Any] = {"fits": False, "fault": {"en": error.en, "ja": error.ja}}
        print(json.dumps(told, ensure_ascii=False) if asked.json else f"FAULT: {error.en}\n不一致: {error.ja}")
        return 1
    if asked.json:
        print(json.dumps({"fits": True, **looked._asdict()}, ensure_ascii=False))
        return 0
    print("\n".join(verdict(looked)))
    return 0


def verdict(looked: Looked) -> list[str]:
    """The good verdict, in lines."""
    counted = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in looked.counts.items())
    lines = [f"All fits. すべて一致しました。 {shown(looked.origin)}, size {looked.size:,}, {looked.scope}", counted]
    if looked.trusted == "bundle":
        lines.append("No key was given: compare keys.txt with the key you got another way (--key).")
        lines.append("鍵が指定されていません。別途入手した鍵と keys.txt を照合してください (--key)。")
    return lines


def _run() -> NoReturn:
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    _run()
