"""Bodies of requests: read within a limit, taken as strict JSON, fitted to a record; what does not fit is a problem.

JSON is I-JSON (RFC 7493) without fractions: UTF-8, no name twice in an object, no lone surrogate, integers below 2^53,
at most 32 levels.
"""

import asyncio
import json
import re
from collections.abc import Sequence
from typing import Any, Final, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import Request
from starlette.types import Message, Receive

from domain.reasons import Wording
from gateway.parts import gateway_of
from gateway.problems import Fault, Problem, unfit
from gateway.wording import field_of, sentence_of

_DEPTH: Final = 32
_SLOWEST: Final = 8 * 1024
"""Bytes a second that even a bad line carries."""
_LARGEST: Final = 2**53 - 1
_MOST_FAULTS: Final = 20
_CHARSET: Final = re.compile(r"""application/json\s*(;\s*charset\s*=\s*"?utf-?8"?\s*)?""", re.IGNORECASE)
_SLOW: Final = Wording("本文が時間内に届きませんでした。", "The body did not arrive in time.")
_LOST: Final = Wording("接続が切れました。", "The connection was lost.")
_FRACTION: Final = Wording("小数は文字列で指定してください。", "A number with a fraction is written as a string.")
_HUGE: Final = Wording(
    "整数が大きすぎます。文字列で指定してください。", "The number is too large; write it as a string."
)
_WHOLE: Final = Wording("整数で指定してください。", "This is a whole number.")
_YES_OR_NO: Final = Wording("true か false です。", "This is true or false.")
_SURROGATE: Final = Wording("文字列に孤立したサロゲートがあります。", "The text holds a lone surrogate.")

M = TypeVar("M", bound=BaseModel)


async def fitted(request: Request, model: type[M], limit: int) -> M:
    """The body of *request* as *model*. Raises Problem."""
    return fit(model, await json_body(request, limit))


async def json_body(request: Request, limit: int) -> bytes:
    """The body of *request*, which says that it is JSON. Raises Problem."""
    if not _CHARSET.fullmatch(request.headers.get("content-type", "").strip()):
        text = Wording("Content-Type は application/json です。", "The Content-Type is application/json, in UTF-8.")
        raise Problem("unsupported_media_type", text, headers={"Accept-Post": "application/json"})
    return await Request(request.scope, bounded(request, limit)).body()


def bounded(request: Request, limit: int) -> Receive:
    """Receives the body of *request*: at most *limit* bytes, and no slower than a bad line is. Raises Problem."""
    told = request.headers.get("content-length", "0")
    if told.isdecimal() and int(told[:20]) > limit:
        raise too_large(limit)
    loop, size = asyncio.get_running_loop(), 0
    until = loop.time() + gateway_of(request).settings.body_patience

    async def receive() -> Message:
        nonlocal size
        try:
            async with asyncio.timeout_at(until + size / _SLOWEST):
                message = await request.receive()
        except TimeoutError as error:
            raise Problem("body_too_slow", _SLOW, headers={"Connection": "close"}) from error
        if message["type"] == "http.disconnect":
            raise Problem("bad_request", _LOST)
        size += len(message.get("body", b""))
        if size > limit:
            raise too_large(limit)
        return message

    return receive


def too_large(limit: int) -> Problem:
    """The body is longer than *limit* bytes."""
    text = Wording(f"{limit}バイト以内にしてください。", f"A body here has at most {limit} bytes.")
    return Problem("body_too_large", text)


def fit(model: type[M], body: bytes) -> M:
    """*body* as *model*: unknown, missing and misshapen fields are named by JSON pointers. Raises Problem."""
    told = parse(body)
    try:
        found = model.model_validate_json(body)
    except ValidationError as errors:
        first = errors.errors(include_url=False, include_input=False)[:_MOST_FAULTS]
        raise unfit(*(Fault(_place(one, told), sentence_of(one)) for one in first)) from None
    _require_unbent(found.model_dump(), told, ())
    return found


def _require_unbent(found: Any, told: Any, path: tuple[str | int, ...]) -> None:
    """Refuse a text that was taken for a number or for yes and no: only dates and codes are texts in JSON."""
    if isinstance(found, dict) and isinstance(told, dict):
        for name in found.keys() & told.keys():
            _require_unbent(found[name], told[name], (*path, name))
    elif isinstance(found, list | tuple) and isinstance(told, list):
        for place, (one, other) in enumerate(zip(found, told, strict=False)):
            _require_unbent(one, other, (*path, place))
    elif isinstance(found, int) and type(found) is not type(told):
        raise unfit(Fault(pointer(path), _YES_OR_NO if isinstance(found, bool) else _WHOLE))


def parse(body: bytes) -> Any:
    """*body* as JSON, of which the whole is known to be harmless. Raises Problem."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        _malformed(f"UTF-8 ではありません({error.start}バイト目)", f"it is not UTF-8 at byte {error.start}", error)
    try:
        told = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except RecursionError as error:
        _malformed("入れ子が深すぎます", "it is nested too deeply", error)
    except ValueError as error:
        _malformed(str(error), str(error), error)
    _require_plain(told, ())
    return told


def _malformed(ja: str, en: str, cause: Exception) -> NoReturn:
    safe = en.encode("ascii", "backslashreplace").decode()
    raise Problem(
        "malformed_json", Wording(f"JSON として読めません: {ja if ja != en else safe}", f"No JSON: {safe}")
    ) from cause


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice[:64]!r} stands twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _require_plain(value: Any, path: tuple[str | int, ...]) -> None:
    """Refuse what JSON may say and no record may hold, wherever it stands."""
    if len(path) > _DEPTH:
        _malformed("入れ子が深すぎます", f"it is nested deeper than {_DEPTH} levels", ValueError())
    if isinstance(value, str):
        _require_whole(value, path)
    elif isinstance(value, dict):
        for name, item in value.items():
            _require_whole(name, path)
            _require_plain(item, (*path, name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            _require_plain(item, (*path, place))
    elif isinstance(value, float):
        raise unfit(Fault(pointer(path), _FRACTION))
    elif isinstance(value, int) and abs(value) > _LARGEST:
        raise unfit(Fault(pointer(path), _HUGE))


def _require_whole(text: str, path: tuple[str | int, ...]) -> None:
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise unfit(Fault(pointer(path), _SURROGATE))


def pointer(path: Sequence[str | int]) -> str:
    """The JSON pointer (RFC 6901) to *path*."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def _place(error: ErrorDetails, told: Any) -> str:
    path: list[str | int] = []
    for place, part in enumerate(error["loc"]):
        is_last = place == len(error["loc"]) - 1
        inside = part in told if isinstance(told, dict) else isinstance(told, list) and isinstance(part, int)
        if inside:
            told = told[part]
        if inside or (is_last and isinstance(told, dict) and error["type"] == "missing"):
            path.append(part)
    blamed = field_of(error)
    return pointer([*path, blamed] if blamed else path)
