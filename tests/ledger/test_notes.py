"""Signed notes, checkpoints and proofs: the examples of the C2SP specifications, and whatever else comes."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.signing import sign, signers, signers_of
from audit.verify_bundle import (
    Broken,
    Checkpoint,
    Key,
    leaf_hash,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    parse_key,
    parse_proof,
    verify_proof,
)
from store.sealing import Seals
from workers.settings import Settings, SettingsFault

# The example of c2sp.org/signed-note
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# The text of the example of c2sp.org/tlog-checkpoint; its key is not published
CHECKPOINT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

OLD, NEW = signers("hashi/test", [b"o" * 32, b"n" * 32])
LEAF = b"an event"
HEAD = Checkpoint("hashi/test", 1, leaf_hash(LEAF))
SIGNED = sign(HEAD, [NEW, OLD])
PROOF = b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + SIGNED


def test_the_published_note_is_opened_with_the_published_key() -> None:
    key = parse_key(VKEY)
    assert str(key) == VKEY
    assert open_note(NOTE.encode(), [key]) == ("This is an example message.\n", [key])


def test_a_signature_is_the_published_one() -> None:
    """RFC 8032, section 7.1, test 1: the empty message."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    [signer] = signers("rfc8032.example", [seed])
    assert signer.key.public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    made = base64.b64decode(signer.line("").split(" ")[2])
    assert made[:4] == signer.key.key_id
    assert made[4:].hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )


@pytest.mark.parametrize("place", [0, 10, 27, 28, 29, 33, 45, 60, 80, -2, -1])
def test_a_published_note_with_one_byte_changed_is_refused(place: int) -> None:
    changed = bytearray(NOTE.encode())
    changed[place] ^= 1
    with pytest.raises(Broken):
        open_note(bytes(changed), [parse_key(VKEY)])


def test_the_published_checkpoint_is_read() -> None:
    told = parse_checkpoint(CHECKPOINT)
    assert (told.origin, told.size, told.root.hex()[:8]) == ("example.com/behind-the-sofa", 20852163, "0ac5186a")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a\n07\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "number"),
        ("a\n-7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "number"),
        ("a\n9223372036854775808\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "number"),
        ("a\n٧\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "number"),
        ("a\n7\nAAAA\n", "32 bytes"),
        ("a\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n", "base64"),
        ("\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "no checkpoint"),
        ("a\n7\n", "no checkpoint"),
        ("", "no checkpoint"),
    ],
)
def test_what_is_no_checkpoint_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(Broken, match=why):
        parse_checkpoint(text)


def test_an_old_and_a_new_key_sign_together_so_that_either_opens_it() -> None:
    assert open_checkpoint(SIGNED, [OLD.key]) == open_checkpoint(SIGNED, [NEW.key]) == HEAD
    after = sign(HEAD, [NEW])
    assert open_checkpoint(after, [OLD.key, NEW.key]) == HEAD
    with pytest.raises(Broken, match="no known key"):
        open_checkpoint(after, [OLD.key])


def test_a_proof_made_before_a_rotation_is_good_after_it() -> None:
    proof = parse_proof(b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + sign(HEAD, [OLD]))
    verify_proof(proof, LEAF, open_checkpoint(proof.note, [NEW.key, OLD.key]))


def test_a_checkpoint_of_another_log_is_refused() -> None:
    [other] = signers("hashi/other", [b"x" * 32])
    with pytest.raises(Broken, match="no known key"):
        open_checkpoint(sign(HEAD._replace(origin="hashi/other"), [other]), [NEW.key])
    with pytest.raises(Broken, match="another log"):
        open_checkpoint(sign(HEAD, [other]), [other.key])


def test_a_known_name_with_a_forged_signature_spoils_the_note() -> None:
    text = SIGNED.decode().partition("\n\n")[0] + "\n\n"
    forged = base64.b64encode(NEW.key.key_id + bytes(64)).decode()
    with pytest.raises(Broken, match="forged"):
        open_note(f"{text}— hashi/test {forged}\n{OLD.line(text[:-1])}".encode(), [NEW.key, OLD.key])


def test_sixteen_signatures_of_others_do_no_harm() -> None:
    others = signers("hashi/test", [bytes([number]) * 32 for number in range(16)])
    assert open_checkpoint(sign(HEAD, [*others, NEW]), [NEW.key]) == HEAD


@pytest.mark.parametrize(
    "text", ["", "a", "a+b+c", VKEY[:-4], VKEY.replace("530d", "530e"), VKEY.replace("foo", "bar"), " +530d903a+AA=="]
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(Broken):
        parse_key(text)


def test_a_proof_is_refused_for_another_event_index_or_log() -> None:
    proof = parse_proof(PROOF)
    verify_proof(proof, LEAF, HEAD)
    for wrong, body, head in (
        (proof, b"another", HEAD),
        (proof._replace(leaf_index=1), LEAF, HEAD),
        (proof._replace(path=(b"x" * 32,)), LEAF, HEAD),
        (proof, LEAF, HEAD._replace(size=2)),
    ):
        with pytest.raises(Broken):
            verify_proof(wrong, body, head)


@given(st.one_of(st.binary(max_size=400), st.text(max_size=200).map(lambda one: one.encode("utf-8", "replace"))))
def test_anything_that_is_read_is_a_good_form_or_broken(told: bytes) -> None:
    for read in (lambda: open_checkpoint(told, [NEW.key]), lambda: parse_proof(told)):
        with pytest.raises(Broken):
            read()
    with pytest.raises(Broken):
        parse_key(told.decode("utf-8", "replace"))


@given(st.sampled_from([SIGNED, PROOF, NOTE.encode()]), st.data())
def test_a_form_that_was_damaged_anywhere_is_refused_or_says_the_same(told: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(told) - 1))
    end = data.draw(st.integers(start, min(len(told), start + 4)))
    damaged = told[:start] + data.draw(st.binary(max_size=4)) + told[end:]
    keys: list[Key] = [NEW.key, OLD.key, parse_key(VKEY)]
    try:
        if told == PROOF:
            proof = parse_proof(damaged)
            verify_proof(proof, LEAF, open_checkpoint(proof.note, keys))
        else:
            assert open_note(damaged, keys)[0] == open_note(told, keys)[0]
    except Broken:
        return


def test_keys_and_name_of_a_log_come_from_the_master_keys_and_outlive_a_rotation() -> None:
    old = Seals([b"o" * 32])
    both = Seals([b"n" * 32, b"o" * 32])
    assert [one.key for one in signers_of(both)][1:] == [one.key for one in signers_of(old)]
    assert old.log_origin == both.log_origin != Seals([b"n" * 32]).log_origin


def test_settings_name_keys_origin_and_retired_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HASHI_LOG_KEY", (b"s" * 32).hex())
    with pytest.raises(SettingsFault, match="HASHI_LOG_ORIGIN"):
        Settings.load().log_signers()
    monkeypatch.setenv("HASHI_LOG_ORIGIN", "log.example/hashi")
    monkeypatch.setenv("HASHI_LOG_TRUSTED", VKEY)
    assert [one.name for one in Settings.load().log_keys()] == ["log.example/hashi", "example.com/foo"]
    monkeypatch.setenv("HASHI_LOG_TRUSTED", "nonsense")
    with pytest.raises(SettingsFault, match="HASHI_LOG_TRUSTED"):
        Settings.load().log_keys()
    monkeypatch.setenv("HASHI_LOG_ORIGIN", "a name")
    with pytest.raises(SettingsFault, match="HASHI_LOG_ORIGIN"):
        Settings.load()
    monkeypatch.delenv("HASHI_LOG_KEY")
    monkeypatch.setenv("HASHI_LOG_KEY_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("HASHI_LOG_ORIGIN", "log.example/hashi")
    with pytest.raises(SettingsFault, match="HASHI_LOG_KEY_FILE"):
        Settings.load().log_signers()
