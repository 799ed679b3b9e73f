"""Bundles: what is exported is checked by anybody with Python and `cryptography`; what was touched is refused."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_cases import append_all, walked
from tampering import OURS, THEIRS, fill, follow, quiet

from audit import verify_bundle
from audit.bundle import NothingSealed, export_case, export_log
from audit.faults import Unfit
from audit.log import LOG, last_sealed, seal, sealed_at
from audit.signing import sign, signers
from audit.verify import Trusted, verify, verify_case
from audit.verify_bundle import Broken, Checkpoint, check, main, open_checkpoint, tile_name
from store.connect import Store
from store.pool import fetch
from workers.cli import run

Out = pytest.CaptureFixture[str]
KEYS = [one.key for one in OURS]
Change = Callable[[dict[str, bytes]], None]


@pytest.fixture(scope="module")
async def filled(url: str) -> str:
    """The URL of a database with sealed cases."""
    await fill(url)
    return url


@pytest.fixture(scope="module")
async def bundles(filled: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A bundle of the whole log and one of a case."""
    folder = tmp_path_factory.mktemp("bundles")
    paths = {"log": folder / "log.zip", "case": folder / "case.zip"}
    await asyncio.to_thread(export_log, filled, paths["log"], lambda done, total: None)
    async with Store.open(filled, [bytes(32)]) as store:
        await export_case(store.pool, "t3", paths["case"])
    return paths


def changed(path: Path, change: Change, to: Path) -> Path:
    """The bundle at *path* with its files changed."""
    with zipfile.ZipFile(path) as file:
        files = {name: file.read(name) for name in file.namelist()}
    change(files)
    with zipfile.ZipFile(to, "w") as out:
        for name, content in files.items():
            out.writestr(name, content)
    return to


def test_a_bundle_fits_and_says_what_it_covers(bundles: dict[str, Path]) -> None:
    log, case = check(bundles["log"], KEYS), check(bundles["case"], KEYS)
    assert (log.scope, log.counts["events"], log.trusted) == ("log", log.size, "given")
    assert log.counts["checkpoints"] > 10
    assert (case.scope, case.size, case.counts["proofs"]) == ("case-t3", log.size, case.counts["events"])
    assert check(bundles["case"]).trusted == "bundle"
    with zipfile.ZipFile(bundles["log"]) as file:
        names = set(file.namelist())
    assert {"README.md", "verify_bundle.py", "keys.txt", "checkpoint", tile_name(0, 0), "events.jsonl"} <= names
    assert any(name.startswith("schemas/NeedReferred") for name in names)


async def test_the_same_log_makes_the_same_bundle(filled: str, bundles: dict[str, Path], tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    await asyncio.to_thread(export_log, filled, again, lambda done, total: None)
    assert again.read_bytes() == bundles["log"].read_bytes()
    assert os.listdir(tmp_path) == ["again.zip"]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with nothing but `cryptography` and what that needs."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, symlinks=True)
    [there] = folder.glob("lib/python3*/site-packages")
    here = Path(sysconfig.get_path("purelib"))
    for found in [
        *here.glob("cryptography"),
        *here.glob("cffi"),
        *here.glob("pycparser"),
        *here.glob("_cffi_backend*"),
    ]:
        (there / found.name).symlink_to(found)
    return folder / "bin" / "python"


@pytest.mark.parametrize("kind", ["log", "case"])
def test_the_checker_inside_needs_python_and_cryptography_only(
    bare: Path, bundles: dict[str, Path], kind: str, tmp_path: Path
) -> None:
    with zipfile.ZipFile(bundles[kind]) as file:
        file.extractall(tmp_path / "unpacked")
    program = tmp_path / "unpacked" / "verify_bundle.py"
    for target in ([str(bundles[kind])], []):
        words = [str(bare), "-I", str(program), *target, "--key", str(KEYS[0]), "--json"]
        told = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path, env={})
        assert (told.returncode, told.stderr) == (0, "")
        assert json.loads(told.stdout)["fits"] is True
    program.with_name("events.jsonl").write_bytes(b"{}\n")
    told = subprocess.run([str(bare), "-I", str(program)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (told.returncode, told.stderr) == (1, "")
    assert "FAULT: event at position" in told.stdout
    assert "不一致" in told.stdout
    absent = subprocess.run([str(bare), "-I", str(program), "none.zip"], capture_output=True, check=False, cwd=tmp_path)
    assert absent.returncode == 2


def without(name: str) -> Change:
    return lambda files: files.__delitem__(name)


def cut(name: str, by: int = 1) -> Change:
    return lambda files: files.__setitem__(name, files[name][:-by])


def line(number: int, put: Callable[[bytes], bytes]) -> Change:
    def change(files: dict[str, bytes]) -> None:
        lines = files["events.jsonl"].split(b"\n")
        lines[number] = put(lines[number])
        files["events.jsonl"] = b"\n".join(lines)

    return change


def dropped(number: int) -> Change:
    def change(files: dict[str, bytes]) -> None:
        lines = files["events.jsonl"].split(b"\n")
        del lines[number]
        files["events.jsonl"] = b"\n".join(lines)

    return change


def of_another_log(files: dict[str, bytes]) -> None:
    size = int(files["checkpoint"].split(b"\n")[1])
    files["checkpoint"] = sign(Checkpoint("another/log", size, bytes(32)), OURS)


def of_the_future(files: dict[str, bytes]) -> None:
    files["checkpoints/9"] = sign(Checkpoint("hashi/tampering", 10**9, bytes(32)), OURS)


def forked(files: dict[str, bytes]) -> None:
    files["checkpoints/9"] = sign(Checkpoint("hashi/tampering", 9, bytes(32)), OURS)


def swapped(files: dict[str, bytes]) -> None:
    one, other = "proofs/000001.tlog-proof", "proofs/000002.tlog-proof"
    files[one], files[other] = files[other], files[one]


def proof_of_another_log(files: dict[str, bytes]) -> None:
    head, _, _ = files["proofs/000001.tlog-proof"].partition(b"\n\n")
    other = sign(Checkpoint("another/log", 10, bytes(32)), signers("another/log", [b"a" * 32]))
    files["proofs/000001.tlog-proof"] = head + b"\n\n" + other


def _indexed(files: dict[str, bytes], index: bytes) -> None:
    name = "proofs/000001.tlog-proof"
    files[name] = re.sub(rb"index [0-9]+", b"index " + index, files[name])


def told_as(**fields: object) -> Change:
    def change(files: dict[str, bytes]) -> None:
        files["manifest.json"] = json.dumps({**json.loads(files["manifest.json"]), **fields}).encode()

    return change


def emptied(files: dict[str, bytes]) -> None:
    files["events.jsonl"] = b""
    told_as(events=0)(files)


def speaking(files: dict[str, bytes]) -> None:
    """A changed event that talks to the terminal, in half a character as well."""
    words = json.dumps({"type": "x\x1b[2J\nAll fits.\u202e\ud800"}).encode()
    line(1, lambda one: words)(files)


def stranger(files: dict[str, bytes]) -> None:
    size, root = int(files["checkpoint"].split(b"\n")[1]), bytes(32)
    files["checkpoint"] = sign(Checkpoint("hashi/tampering", size, root), THEIRS)
    files["keys.txt"] = f"{THEIRS[0].key}\n".encode()


BROKEN: list[tuple[str, str, Change, str]] = [
    ("log", "no checkpoint", without("checkpoint"), "lacks checkpoint"),
    ("log", "no tile", without(tile_name(0, 0)), "lacks tile/0/000"),
    ("log", "truncated tile", cut(tile_name(0, 0)), "truncated"),
    ("log", "tile of other hashes", lambda files: files.update({tile_name(0, 0): bytes(8192)}), "was changed"),
    ("log", "event changed", line(3, lambda one: one.replace(b"1", b"2")), "position 4 was changed"),
    ("log", "event left out", dropped(3), "position 4 was changed"),
    ("log", "last event left out", dropped(-2), "is missing"),
    ("log", "no end of line", cut("events.jsonl"), "middle of a line"),
    (
        "log",
        "event added",
        lambda files: files.update({"events.jsonl": files["events.jsonl"] + b"{}\n"}),
        "more events",
    ),
    ("log", "forked", forked, "rewritten or forked"),
    ("log", "of the future", of_the_future, "it was shortened, or is older"),
    ("log", "of another log", of_another_log, "another log|forged|no known key"),
    ("log", "signed by a stranger", stranger, "no known key"),
    ("log", "empty checkpoint", lambda files: files.update({"checkpoint": b""}), "no signed note"),
    ("log", "truncated checkpoint", cut("checkpoint", 30), "base64|no signed note|forged"),
    ("log", "tile too long", lambda files: files.update({tile_name(0, 0): bytes(8224)}), "truncated or too long"),
    ("log", "keys of no letters", lambda files: files.update({"keys.txt": b"\xff\xfe\n"}), "verifier key|base64"),
    ("log", "manifest of a case", told_as(scope="case-t3"), "lacks proofs"),
    ("log", "more events told", told_as(events=10**30), "events are there"),
    ("log", "events told as truth", told_as(events=True), "manifest.json"),
    ("log", "manifest too deep", lambda files: files.update({"manifest.json": b"[" * 100_000}), "manifest.json"),
    ("log", "no manifest", lambda files: files.update({"manifest.json": b"[]"}), "manifest.json"),
    ("log", "no key", lambda files: files.update({"keys.txt": b"nonsense\n"}), "verifier key|base64"),
    ("case", "no proof", without("proofs/000002.tlog-proof"), "lacks proofs/000002"),
    ("case", "truncated proof", cut("proofs/000002.tlog-proof", 100), "another checkpoint|no tlog-proof"),
    ("case", "proof of another log", proof_of_another_log, "another checkpoint"),
    ("case", "no event at all", emptied, "0 of 0 events"),
    ("case", "another case", told_as(scope="case-t4"), "case-t4 is missing"),
    ("case", "scope that speaks", told_as(scope="case-t3\n\ud800"), "manifest.json"),
    ("case", "event that speaks", speaking, r"x\\x1b\[2J\\nAll fits\.\\u202e\\ud800"),
    ("case", "index beyond the log", lambda files: _indexed(files, b"9223372036854775807"), "cannot be in a tree"),
    ("case", "index that is no number", lambda files: _indexed(files, b"-1"), "number"),
    ("case", "swapped proofs", swapped, "was changed"),
    ("case", "event changed", line(1, lambda one: one + b" "), "was changed"),
    ("case", "event left out", dropped(1), "was changed|missing"),
    ("case", "last event left out", dropped(-2), "events are there"),
    ("case", "of another log", of_another_log, "another log|forged|no known key"),
]


@pytest.mark.parametrize("broken", BROKEN, ids=[" ".join(one[:2]) for one in BROKEN])
def test_a_broken_bundle_is_refused_with_the_reason(
    bundles: dict[str, Path], broken: tuple[str, str, Change, str], tmp_path: Path, capsys: Out
) -> None:
    kind, _, change, why = broken
    path = changed(bundles[kind], change, tmp_path / "broken.zip")
    with pytest.raises(Broken, match=why):
        check(path, KEYS)
    assert main([str(path), "--key", str(KEYS[0])]) == 1
    assert run(["audit", "verify-bundle", str(path), "--key", str(KEYS[0])]) == 1
    said = capsys.readouterr()
    assert said.out.count("FAULT") == 2
    assert "Traceback" not in said.out + said.err


@settings(max_examples=150)
@given(st.data())
def test_a_bundle_damaged_anywhere_is_refused_or_says_the_same(bundles: dict[str, Path], data: st.DataObject) -> None:
    told = bundles["case"].read_bytes()
    start = data.draw(st.integers(0, len(told) - 1))
    damaged = told[:start] + data.draw(st.binary(max_size=8)) + told[start + data.draw(st.integers(0, 40)) :]
    path = bundles["case"].with_name("damaged.zip")
    path.write_bytes(damaged)
    try:
        looked = check(path, KEYS)
    except Broken:
        return
    assert looked.counts["events"] == check(bundles["case"], KEYS).counts["events"]


@pytest.fixture(scope="module")
def unpacked(bundles: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both bundles as folders."""
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in bundles}
    for kind, path in bundles.items():
        with zipfile.ZipFile(path) as file:
            file.extractall(folders[kind])
    return folders


PARTS = ["events.jsonl", "checkpoint", "keys.txt", "manifest.json", tile_name(0, 0), "proofs/000001.tlog-proof"]


@settings(max_examples=200)
@given(st.sampled_from(["log", "case"]), st.sampled_from(PARTS), st.data())
def test_a_file_of_a_bundle_damaged_anywhere_is_refused_or_says_the_same(
    unpacked: dict[str, Path], bundles: dict[str, Path], kind: str, name: str, data: st.DataObject
) -> None:
    path = unpacked[kind] / name
    if not path.exists():
        return
    told = path.read_bytes()
    start = data.draw(st.integers(0, len(told)))
    more = data.draw(st.one_of(st.binary(max_size=40), st.sampled_from([b"\n", b"\n\n", "—".encode(), b"[" * 2000])))
    try:
        path.write_bytes(told[:start] + more + told[start + data.draw(st.integers(0, 80)) :])
        looked = check(unpacked[kind], KEYS)
    except Broken:
        return
    finally:
        path.write_bytes(told)
    assert looked.counts == check(unpacked[kind], KEYS).counts


@given(st.binary(max_size=300))
def test_what_is_no_bundle_is_said_to_be_none(bundles: dict[str, Path], told: bytes) -> None:
    path = bundles["case"].with_name("nonsense.zip")
    path.write_bytes(told)
    with pytest.raises(Broken, match="no bundle"):
        check(path, KEYS)


async def test_a_checkpoint_kept_elsewhere_is_compared(
    filled: str, bundles: dict[str, Path], tmp_path: Path, capsys: Out
) -> None:
    kept = tmp_path / "kept"
    async with Store.open(filled, [bytes(32)]) as store:
        await follow(store)
        sealed = await last_sealed(store.pool)
    assert sealed is not None
    kept.write_bytes(sealed.note)
    words = ["audit", "verify-bundle", str(bundles["log"]), "--key", str(KEYS[0]), "--checkpoint", str(kept), "--json"]
    assert run(words) == 0
    kept.write_bytes(sign(sealed.checkpoint._replace(root=bytes(32)), OURS))
    capsys.readouterr()
    assert run(words) == 1
    assert "forked" in json.loads(capsys.readouterr().out)["fault"]["en"]


async def test_the_command_line_exports_what_it_then_verifies(
    filled: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Out
) -> None:
    monkeypatch.setenv("HASHI_DATABASE_URL", filled)
    for words in (["--case", "t1"], []):
        path = tmp_path / "out.zip"
        assert await asyncio.to_thread(run, ["audit", "export", "-o", str(path), *words]) == 0
        assert await asyncio.to_thread(run, ["audit", "verify-bundle", str(path)]) == 0
        assert "compare keys.txt" in capsys.readouterr().out
    nowhere = os.path.join(tmp_path, "none", "out.zip")
    assert await asyncio.to_thread(run, ["audit", "export", "-o", nowhere]) == 2
    assert await asyncio.to_thread(run, ["audit", "export", "-o", str(tmp_path / "x"), "--case", "t999"]) == 2
    assert await asyncio.to_thread(run, ["audit", "verify-bundle", str(tmp_path / "x")]) == 2


def test_a_verdict_is_told_on_a_terminal_that_knows_no_japanese(bare: Path, bundles: dict[str, Path]) -> None:
    words = [str(bare), "-I", "-X", "utf8=0", verify_bundle.__file__, str(bundles["case"]), "--key", str(THEIRS[0].key)]
    told = subprocess.run(words, capture_output=True, check=False, env={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"})
    assert (told.returncode, told.stderr) == (1, b"")
    assert told.stdout.startswith(b"FAULT: no known key")


@pytest.mark.parametrize("language", [0, 1])
def test_what_the_guide_does_by_hand_proves_an_event_of_a_bundle(
    bundles: dict[str, Path], language: int, tmp_path: Path
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here")
    guide = (Path(__file__).parents[2] / "docs" / "auditors-guide.md").read_text(encoding="utf-8")
    section = re.split("### (?:手で確かめる|By hand)\n", guide)[1 + language].partition("\n### ")[0]
    script = "".join(one.removeprefix("    ") + "\n" for one in section.split("\n") if one.startswith("    "))
    with zipfile.ZipFile(bundles["case"]) as file:
        file.extractall(tmp_path)
    for number, key in ((3, KEYS[0]), (check(bundles["case"]).counts["events"], THEIRS[0].key)):
        words = ["sh", "-c", script.replace("n=3", f"n={number}", 1)]
        told = subprocess.run(
            words, capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ, "KEY": str(key)}
        )
        made, signed, *verdict = (told.stdout + told.stderr).splitlines()
        assert made == signed
        assert (verdict[0] == "Signature Verified Successfully") is (key is KEYS[0]), told


async def test_a_log_that_changed_its_key_is_checked_with_both_and_names_the_one_that_lacks(
    new_database: Any, tmp_path: Path
) -> None:
    url, path = await new_database(), tmp_path / "rotated.zip"
    for everybody in (OURS, [*THEIRS, *OURS], THEIRS):
        async with Store.open(url, [bytes(32)]) as store:
            await append_all(store, [walked(f"k{len(everybody)}{everybody[0].key.key_id.hex()}", 3, 4)])
            await store.following.catch_up(LOG)
            assert await seal(store.pool, everybody)
    await asyncio.to_thread(export_log, url, path, lambda done, total: None)
    old, new = KEYS[0], THEIRS[0].key
    assert check(path, [new, old]).counts["checkpoints"] == 4
    with pytest.raises(Broken, match=f"signed by {re.escape(old.name)}\\+{old.key_id.hex()}$"):
        check(path, [new])
    async with Store.open(url, [bytes(32)]) as store:
        first = (await sealed_at(store.pool, await _first_size(store))).note
        assert (await verify_case(store.pool, "case-none", Trusted([new, old], [first])))["checkpoints"] == 2
        forked = sign(open_checkpoint(first, [old])._replace(root=bytes(32)), OURS)
        with pytest.raises(Unfit, match="does not begin with"):
            await verify_case(store.pool, "case-none", Trusted([new, old], [forked]))
        future = sign(Checkpoint("hashi/tampering", 10**6, bytes(32)), OURS)
        with pytest.raises(Unfit, match="but the log knew 1000000"):
            await verify_case(store.pool, "case-none", Trusted([new, old], [future]))
    assert (await asyncio.to_thread(verify, url, Trusted([new, old], [first]), quiet, quiet))["checkpoints"] == 4
    with pytest.raises(Unfit, match="no known key"):
        await asyncio.to_thread(verify, url, Trusted([new]), quiet, quiet)


async def _first_size(store: Store) -> int:
    [(size,)] = await fetch(store.pool, "SELECT min(size) FROM hashi.log_checkpoints")
    return int(size)


async def test_before_anything_is_sealed_nothing_is_exported(new_database: Any, tmp_path: Path) -> None:
    empty = await new_database()
    with pytest.raises(NothingSealed):
        await asyncio.to_thread(export_log, empty, tmp_path / "x.zip", lambda done, total: None)
    assert os.listdir(tmp_path) == []
