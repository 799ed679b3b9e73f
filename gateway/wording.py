"""What is wrong with a field, in both languages, from what pydantic found."""

from typing import Any, Final

from pydantic_core import ErrorDetails

from domain.reasons import Wording

_SENTENCES: Final = {
    "missing": Wording("この項目は必須です。", "This field is required."),
    "extra_forbidden": Wording("この項目はありません。", "There is no such field here."),
    "string_type": Wording("文字列で指定してください。", "This is a string."),
    "string_too_long": Wording("{max_length}文字以内にしてください。", "At most {max_length} characters."),
    "string_too_short": Wording("{min_length}文字以上にしてください。", "At least {min_length} character(s)."),
    "string_pattern_mismatch": Wording("使えない文字か形式です: {pattern}", "It does not have the form {pattern}."),
    "enum": Wording("次のいずれかです: {expected}", "It is one of {expected}."),
    "literal_error": Wording("次のいずれかです: {expected}", "It is one of {expected}."),
    "too_long": Wording("{max_length}件以内にしてください。", "At most {max_length} entries."),
    "too_short": Wording("{min_length}件以上にしてください。", "At least {min_length} entry."),
    "int_type": Wording("整数で指定してください。", "This is a whole number."),
    "bool_type": Wording("true か false です。", "This is true or false."),
    "tuple_type": Wording("リストで指定してください。", "This is a list."),
    "list_type": Wording("リストで指定してください。", "This is a list."),
    "dict_type": Wording("オブジェクトで指定してください。", "This is an object."),
    "mapping_type": Wording("オブジェクトで指定してください。", "This is an object."),
    "model_type": Wording("オブジェクトで指定してください。", "This is an object."),
    "model_attributes_type": Wording("オブジェクトで指定してください。", "This is an object."),
    "timezone_aware": Wording("時差(Z など)を付けてください。", "It needs its offset, such as Z."),
    "greater_than_equal": Wording("{ge}以上にしてください。", "At least {ge}."),
    "less_than_equal": Wording("{le}以下にしてください。", "At most {le}."),
}
_DATE: Final = Wording('"2027-03-31" のような日付です。', 'This is a date such as "2027-03-31".')
_INSTANT: Final = Wording(
    '"2026-04-01T00:00:00Z" のような日時です。', 'This is an instant such as "2026-04-01T00:00:00Z".'
)


def sentence_of(error: ErrorDetails) -> Wording:
    """The sentence for *error*; the words of a rule of ours stay English."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        told = _without_field(str(context.get("error", "")))
        return Wording(f"正しくありません: {told}", f"It {told}." if told[:1].islower() else told)
    if kind.startswith("datetime"):
        return _INSTANT
    if kind.startswith("date"):
        return _DATE
    known = _SENTENCES.get(kind)
    return _filled(known, context) if known else Wording(f"正しくありません: {error['msg']}", error["msg"])


def field_of(error: ErrorDetails) -> str | None:
    """The field that a rule over a whole record blames: it begins its sentence with it (`company: name the…`)."""
    if error["type"] != "value_error":
        return None
    name, colon, _ = str(error.get("ctx", {}).get("error", "")).partition(": ")
    return name if colon and name.isidentifier() else None


def _without_field(told: str) -> str:
    name, colon, rest = told.partition(": ")
    return rest if colon and name.isidentifier() else told


def _filled(words: Wording, context: dict[str, Any]) -> Wording:
    return Wording(words.ja.format(**context), words.en.format(**context))
