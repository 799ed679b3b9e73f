"""The immutable record all domain types are built on, and the field types they share."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from email.errors import HeaderParseError
from email.headerregistry import Address
from functools import cache
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

TEXT_LIMIT: Final = 20_000
"""Longest free text in characters; longer matter belongs into a document."""


class Record(BaseModel):
    """A frozen value without room for fields that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, populate_by_name=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with *update*, which is not validated; as pydantic's, at a third of its cost: states live by it."""
        if deep:
            return super().model_copy(update=update, deep=True)
        values, known = self.__dict__.copy(), self.__pydantic_fields_set__
        if update:
            values.update(update)
            if not known.issuperset(update):
                known = {*known, *update}
        return self._filled(values, known)

    @classmethod
    def trusted(cls, values: Mapping[str, Any]) -> Self:
        """A record of *values* that were validated before, by name; those it lacks have their defaults."""
        return cls._filled({**_defaults(cls), **values}, _names(cls))

    @classmethod
    def _filled(cls, values: dict[str, Any], fields_set: set[str]) -> Self:
        new = object.__new__(cls)
        object.__setattr__(new, "__dict__", values)
        object.__setattr__(new, "__pydantic_fields_set__", fields_set)
        object.__setattr__(new, "__pydantic_extra__", None)
        object.__setattr__(new, "__pydantic_private__", None)
        return new


@cache
def _names(kind: type[Record]) -> set[str]:
    return set(kind.model_fields)


@cache
def _defaults(kind: type[Record]) -> dict[str, Any]:
    return {name: field.default for name, field in kind.model_fields.items() if not field.is_required()}


def _is_bad(char: str, breaks: bool) -> bool:
    if char in "\n\t" and breaks:
        return False
    category = unicodedata.category(char)
    return category in {"Cc", "Cs", "Zl", "Zp"} or category == "Cn"


def _clean(text: str, *, breaks: bool) -> str:
    text = text.replace("\r\n", "\n")
    bad = next((char for char in text if _is_bad(char, breaks)), None) if not text.isprintable() else None
    if bad is not None:
        raise ValueError(f"holds the character U+{ord(bad):04X}, which no text may hold")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _line(text: str) -> str:
    return _clean(text, breaks=False)


def _text(text: str) -> str:
    return _clean(text, breaks=True)


def _decimal(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError('is a decimal number as a string, such as "1250000" or "0.30"')  # noqa: TRY004
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError("is not a decimal number") from error
    if not number.is_finite() or abs(number) >= Decimal(10) ** 15:
        raise ValueError("is not a number of this size")
    return format(number, "f")


def _not_negative(value: str) -> str:
    if Decimal(value) < 0:
        raise ValueError("is at least 0")
    return value


def _rate(value: str) -> str:
    if not 0 <= Decimal(value) <= 1:
        raise ValueError("lies between 0 and 1 (0.30 means 30 %)")
    return value


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies outside of the years 1 to 9999 in UTC") from error


_WEIGHTS: Final = (1, 2)


def _email(value: str) -> str:
    try:
        address = Address(addr_spec=value)
    except (ValueError, IndexError, HeaderParseError):
        raise ValueError("is no mail address such as sato@bank.example") from None
    plain = value.isascii() and value.isprintable() and " " not in value and len(value) <= 254
    if not plain or address.addr_spec != value or "." not in address.domain:
        raise ValueError("is no mail address such as sato@bank.example")
    return value


def _corporate_number(number: str) -> str:
    if not re.fullmatch(r"[0-9]{13}", number):
        raise ValueError("has 13 digits")
    digits = [int(digit) for digit in reversed(number[1:])]
    check = 9 - sum(digit * _WEIGHTS[place % 2] for place, digit in enumerate(digits)) % 9
    if check != int(number[0]):
        raise ValueError(f"has the wrong check digit (the first should be {check})")
    return number


_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}.*")


def _written_date(value: Any) -> Any:
    if isinstance(value, datetime) or not isinstance(value, str | date) or not _DATE.fullmatch(str(value)):
        raise ValueError('is a date such as "2027-03-31"')
    return value


def _written_instant(value: Any) -> Any:
    if not isinstance(value, datetime) and not (isinstance(value, str) and _INSTANT.fullmatch(value)):
        raise ValueError('is an instant with its offset such as "2026-04-01T09:00:00+09:00"')
    return value


Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]
"""An opaque id: 1 to 128 characters of A-Z a-z 0-9 . _ : - that begin with a letter or digit."""
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
"""A snake_case code; dots divide the levels of a field code."""
Line = Annotated[str, StringConstraints(min_length=1, max_length=300), AfterValidator(_line)]
"""One line of text, at most 300 characters, NFC."""
Text = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_LIMIT), AfterValidator(_text)]
"""Free text, at most 20,000 characters, NFC, without control characters but line feed and tab."""
Instant = Annotated[AwareDatetime, BeforeValidator(_written_instant), AfterValidator(_utc)]
"""An aware instant, kept in UTC."""
Day = Annotated[date, BeforeValidator(_written_date)]
"""A calendar day in Japan."""
_DECIMAL: Final = WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}]}, mode="validation")
Amount = Annotated[str, BeforeValidator(_decimal), AfterValidator(_not_negative), _DECIMAL]
"""An amount of money in JPY as a decimal string."""
Rate = Annotated[str, BeforeValidator(_decimal), AfterValidator(_rate), _DECIMAL]
"""A share between 0 and 1 as a decimal string."""
CorporateNumber = Annotated[str, AfterValidator(_corporate_number)]
"""法人番号: 13 digits, the first a check digit over the other twelve."""
Email = Annotated[str, AfterValidator(_email)]
"""A mail address in ASCII, such as `sato@bank.example`, at most 254 characters (RFC 5321)."""
Trl = Annotated[int, Field(ge=1, le=9, strict=True)]
"""Technology readiness level, 1 to 9."""


def _plain(value: Any) -> Any:
    if value is None:
        raise ValueError("holds a null; leave the field out")
    if isinstance(value, float):
        raise ValueError("holds a number with a fraction; write it as a string")  # noqa: TRY004
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return {_line(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    return value


Plain = Annotated[Any, BeforeValidator(_plain)]
"""Any JSON without fractions, its texts cleaned; for fields whose shape the parties choose."""
