"""Bodies nobody reads without the key, ids and fingerprints nobody guesses."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.sealing import SealBroken, Seals

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
SEALS = Seals([OLD])
BODY = "溶解炉を使わない耐熱ガラス部品".encode()


@given(st.binary(max_size=2000), st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_what_was_sealed_is_unsealed(body: bytes, context: str) -> None:
    assert SEALS.unseal(SEALS.seal(body, context), context) == body


def test_a_sealed_body_shows_nothing_and_never_looks_the_same() -> None:
    one, other = SEALS.seal(BODY, "c1"), SEALS.seal(BODY, "c1")
    assert one != other
    assert BODY not in one


def test_a_sealed_body_cannot_be_moved_to_another_command() -> None:
    with pytest.raises(SealBroken, match="c2"):
        SEALS.unseal(SEALS.seal(BODY, "c1"), "c2")


def test_a_sealed_body_is_unreadable_without_its_key() -> None:
    with pytest.raises(SealBroken, match="not among the master keys"):
        Seals([NEW]).unseal(SEALS.seal(BODY, "c1"), "c1")


def test_a_changed_bit_breaks_the_seal() -> None:
    sealed = SEALS.seal(BODY, "c1")
    for place in range(4, len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(SealBroken):
            SEALS.unseal(bytes(changed), "c1")


def test_what_is_too_short_is_no_seal() -> None:
    for length in range(33):
        with pytest.raises(SealBroken):
            SEALS.unseal(SEALS.seal(b"", "c1")[:length][:31], "c1")


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    both = Seals([NEW, OLD])
    assert both.unseal(SEALS.seal(BODY, "c1"), "c1") == BODY
    assert Seals([NEW]).unseal(both.seal(BODY, "c1"), "c1") == BODY


def test_a_new_key_changes_neither_fingerprints_nor_ids() -> None:
    both = Seals([NEW, OLD])
    assert both.fingerprint(BODY) == SEALS.fingerprint(BODY)
    assert both.case_id_for("b1", "r1") == SEALS.case_id_for("b1", "r1")
    assert both.document_id("o", "00") == SEALS.document_id("o", "00")


def test_a_fingerprint_depends_on_body_and_key() -> None:
    assert SEALS.fingerprint(BODY) == SEALS.fingerprint(BODY)
    assert len({SEALS.fingerprint(BODY), SEALS.fingerprint(b""), Seals([NEW]).fingerprint(BODY)}) == 3


def test_a_banks_reference_always_leads_to_the_same_opaque_case() -> None:
    case_id = SEALS.case_id_for("jfs-fukuoka", "F-2026-0031")
    assert re.fullmatch(r"[0-9a-f]{32}", case_id)
    assert case_id == SEALS.case_id_for("jfs-fukuoka", "F-2026-0031")
    others = {
        SEALS.case_id_for("jfs-fukuok", "aF-2026-0031"),
        SEALS.case_id_for("F-2026-0031", "jfs-fukuoka"),
        SEALS.opened_case_id("jfs-fukuoka", "F-2026-0031"),
        Seals([NEW]).case_id_for("jfs-fukuoka", "F-2026-0031"),
    }
    assert len(others | {case_id}) == 5


@pytest.mark.parametrize("keys", [[], [b"short"], [OLD, b""]])
def test_a_master_key_has_256_bits(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Seals(keys)
