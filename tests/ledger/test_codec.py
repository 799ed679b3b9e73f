"""The bytes of an event: canonical, complete, and never guessed at."""

import hashlib
import json
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from types import NoneType
from typing import get_args

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from ledger_notes import NoteWritten, note, note_types
from pydantic.fields import FieldInfo

from domain.canonical import NotCanonical, canonical
from domain.envelope import Event
from domain.law import FACTS
from store.codec import UnknownEvent, decode, encode

AT = datetime(2026, 4, 1, 0, 0, tzinfo=UTC)
LETTERS = st.characters(exclude_categories=("Cs", "Cc", "Cn", "Zl", "Zp"))
WORDS = st.text(LETTERS, min_size=1, max_size=40).map(lambda text: unicodedata.normalize("NFC", text))
LINES = WORDS.filter(lambda text: 0 < len(text.strip()) <= 300)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


def event(**fields: object) -> Event:
    return note("case-1", 1, "c1", AT, **fields)


@given(
    st.fixed_dictionaries(
        {"title": LINES, "count": st.integers(-(2**53) + 1, 2**53 - 1), "marks": st.lists(WORDS).map(tuple)},
        optional={"text": LINES, "price": st.integers(0, 10**14).map(str), "day": st.dates()},
    ),
    st.datetimes(timezones=st.timezones()).filter(lambda moment: 1990 < moment.year < 2200),
)
def test_what_is_decoded_is_what_was_encoded(fields: dict[str, object], moment: datetime) -> None:
    written = note("case-1", 1, "c1", moment, **fields)
    body = encode(written)
    assert decode(body, note_types) == written
    assert encode(decode(body, note_types)) == body


@given(VALUES)
def test_the_bytes_are_those_of_rfc_8785(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)
    assert json.loads(canonical(value)) == value


def test_the_example_of_the_rfc_gives_its_bytes() -> None:
    value = {"string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/", "literals": [True, False], "numbers": [0, -1]}
    expected = r"""{"literals":[true,false],"numbers":[0,-1],"string":"€$\u000f\nA'B\"\\\\\"/"}"""
    assert canonical(value).decode() == expected


def test_keys_are_sorted_by_their_utf16_units() -> None:
    keys = ["\u20ac", "\r", "1", "\U0001f600", "\u0080", "\u00f6", "\uff41"]
    assert list(json.loads(canonical(dict.fromkeys(keys, 1)))) == [
        "\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\uff41",
    ]  # fmt: skip


def test_the_bytes_of_an_event_never_change() -> None:
    body = encode(event(text="耐熱ガラス", price="1250000"))
    assert hashlib.sha256(body).hexdigest() == "9399d0bce915677e9e93494a82a0edd4c641aed446614169cace14eae25bcf15"
    assert b'"recorded_at":"2026-04-01T00:00:00Z"' in body


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"rate": 0.3}, "/rate holds a float"),
        ({"a": [1, None]}, "/a/1 holds a NoneType"),
        ({"name": "か\u3099"}, "/name holds text that is not in Unicode's normal form C"),
        ({"name": "a\0b"}, "U\\+0000"),
        ({"at": datetime(2026, 4, 1)}, "without a time zone"),  # noqa: DTZ001
        ({1: "one"}, "int as a key"),
        ({"n": 2**53}, "exceeds"),
        ({"name": "\ud800"}, "non-UTF-8"),
    ],
)
def test_what_has_no_canonical_form_is_refused(value: object, place: str) -> None:
    with pytest.raises(NotCanonical, match=place):
        canonical(value)


def test_one_instant_has_one_form() -> None:
    tokyo = AT.astimezone(timezone(timedelta(hours=9)))
    assert canonical([AT]) == canonical([tokyo]) == b'["2026-04-01T00:00:00Z"]'
    assert canonical([AT + timedelta(microseconds=120000)]) == b'["2026-04-01T00:00:00.120000Z"]'


def test_nothing_is_written_for_nothing() -> None:
    told = json.loads(encode(event(text=None)))
    assert "text" not in told["data"]
    assert "reason" not in told


def test_an_unknown_event_is_never_skipped() -> None:
    for change in ({"type": "NoteBurnt"}, {"schema_version": 2}):
        told = json.loads(encode(event())) | change
        with pytest.raises(UnknownEvent):
            decode(rfc8785.dumps(told), note_types)


def test_bytes_that_do_not_fit_their_type_are_unknown() -> None:
    told = json.loads(encode(event()))
    told["data"]["colour"] = "red"
    with pytest.raises(UnknownEvent, match="colour"):
        decode(rfc8785.dumps(told), note_types)


def test_the_data_come_back_as_their_own_record() -> None:
    assert isinstance(decode(encode(event()), note_types).data, NoteWritten)


def test_what_may_be_none_in_an_event_is_none_when_left_out() -> None:
    kinds = [kind for fact in FACTS.values() for kind in fact.versions.values()]
    fields = [(kind, name, field) for kind in kinds for name, field in kind.model_fields.items()]
    lost = [
        (kind.__name__, name) for kind, name, field in fields if may_be_none(field) and field.get_default() is not None
    ]
    assert kinds
    assert lost == []


def may_be_none(field: FieldInfo) -> bool:
    return NoneType in get_args(field.annotation)
