"""The columns of a table of needs, made from the record of `ReferNeed`: a field without a column stops the import."""

import dataclasses
import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from enum import Enum, StrEnum
from functools import cached_property
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from domain.documents import DOCUMENT_FIELDS
from domain.reasons import Wording
from domain.stages.intake import ReferNeed
from gateway.batches import words

_MADE: Final = frozenset({"company_id", "need_id", "referral_id"})
"""Ids that the system makes, or that a bank without IT does not know."""
_DIGITS: Final = frozenset({"corporate_number"})
_BRACKET: Final = re.compile(r"^(?P<label>[^\[\]]*)\[(?P<code>[^\[\]]+)\]$")


class Kind(StrEnum):
    """How what stands in a column is taken."""

    text = "text"
    sign = "sign"
    """Digits and codes: full-width ones mean the same."""
    day = "day"
    choice = "choice"
    choices = "choices"
    document = "document"


@dataclasses.dataclass(frozen=True)
class Column:
    """One column: the field it fills, dots dividing the levels."""

    field: str
    label: Wording
    help: Wording
    kind: Kind
    is_required: bool
    example: str
    choices: Mapping[str, Wording] = dataclasses.field(default_factory=dict)

    def header(self, language: str) -> str:
        """What stands in the first row: the label with the field, by which it is known in either language."""
        return f"{getattr(self.label, language)} [{self.field}]"

    def code_of(self, told: str) -> str:
        """The code that *told* means: itself, its word in either language, or `word [code]`; else *told* as it is."""
        bracket = _BRACKET.match(told)
        if bracket:
            return bracket["code"].strip()
        return self._meanings.get(told, told)

    @cached_property
    def _meanings(self) -> dict[str, str]:
        return {plain(word): code for code, wording in self.choices.items() for word in wording}


def plain(told: str) -> str:
    """*told* for comparison and for codes: full-width and half-width forms are one (NFKC), without blanks around."""
    return unicodedata.normalize("NFKC", told).strip()


def column_of(header: str) -> Column | None:
    """The column that *header* names, by field, label or both, however spaced; None for an unknown one."""
    bracket = _BRACKET.match(plain(header))
    return _BY_NAME.get(_close(bracket["code"] if bracket else header))


def _close(header: str) -> str:
    """*header* without what people add to it or leave out: blanks, capitals, full width."""
    return "".join(plain(header).split()).casefold()


def column_at(pointer: str) -> tuple[str, Wording]:
    """The field, and the label, of the column that the JSON *pointer* into a command's body lies in."""
    parts = [part for part in pointer.removeprefix("/data").split("/") if part]
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in _BY_NAME:
            return name, _BY_NAME[name].label
        if name in words.GROUPS:
            return name, words.GROUPS[name]
    return ".".join(parts), Wording(pointer, pointer)


def _walk(record: type[BaseModel], above: str, example: Mapping[str, Any]) -> Iterator[Column]:
    for name, told in record.model_fields.items():
        if not above and name in _MADE:
            continue
        inner, place = _bare(told.annotation), f"{above}{name}"
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _walk(inner, f"{place}.", example.get(name, {}))
        else:
            yield _column(place, name, told, inner, example.get(name, ""))


def _column(place: str, name: str, told: FieldInfo, inner: Any, example: Any) -> Column:
    choices = words.CHOICES.get(place, {})
    kinds = _kinds(inner)
    if kinds is not None and {one.value for one in kinds} != choices.keys():
        raise TypeError(f"{place}: gateway.batches.words.CHOICES does not hold the words of {kinds.__name__}")
    return Column(
        field=place,
        label=words.COLUMNS[place].label,
        help=words.COLUMNS[place].help,
        kind=_kind(name, told, inner, bool(choices)),
        is_required=told.is_required(),
        example=";".join(example) if isinstance(example, list) else str(example),
        choices=choices,
    )


def _kind(name: str, told: FieldInfo, inner: Any, has_choices: bool) -> Kind:
    if name in DOCUMENT_FIELDS:
        return Kind.document
    if get_origin(inner) is tuple:
        return Kind.choices
    if inner is date:
        return Kind.day
    if has_choices:
        return Kind.choice
    if inner is not str:
        raise TypeError(f"{name}: a table of needs has no kind of column for {inner}")
    has_pattern = any(getattr(one, "pattern", None) for one in told.metadata)
    return Kind.sign if has_pattern or name in _DIGITS else Kind.text


def _kinds(inner: Any) -> type[Enum] | None:
    """The enumeration in *inner*, alone or as what a list holds."""
    one = _bare(get_args(inner)[0]) if get_origin(inner) is tuple else inner
    return one if isinstance(one, type) and issubclass(one, Enum) else None


def _bare(annotation: Any) -> Any:
    """*annotation* without None and without what validates it."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        [inner] = [one for one in get_args(annotation) if one is not type(None)]
        return _bare(inner)
    return annotation


_PLACES: Final = list(words.COLUMNS)
COLUMNS: Final = tuple(sorted(_walk(ReferNeed, "", ReferNeed.example), key=lambda one: _PLACES.index(one.field)))
_NAMES: Final = [(_close(name), one) for one in COLUMNS for name in (one.field, *one.label)]
_BY_NAME: Final = dict(_NAMES)
assert all(_BY_NAME[name] is one for name, one in _NAMES), "two columns share a name"
