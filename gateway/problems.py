"""Everything that is not the answer asked for, as an RFC 9457 problem in the language asked for.

`type` and `code` are stable; `title` and `detail` are in Japanese or English. An `instance` is given with faults of
ours (5xx) only, so that two refusals of the same thing are equal byte for byte; `X-Request-Id` comes with each answer.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.responses import Response

from domain.reasons import Wording
from domain.refusals import Refusal
from gateway.titles import TITLES

MEDIA_TYPE: Final = "application/problem+json"
_RETRY: Final = {"Retry-After": "5"}


@dataclass(frozen=True)
class Fault:
    """One thing that does not fit, and where: a JSON pointer into the body, or the name of a query parameter."""

    at: str
    text: Wording
    in_query: bool = False

    def told(self, language: str) -> dict[str, str]:
        """The fault as an entry of `errors`."""
        return {"parameter" if self.in_query else "pointer": self.at, "detail": getattr(self.text, language)}


@dataclass(eq=False)
class Problem(Exception):
    """A problem on its way to whoever asked."""

    code: str
    detail: Wording
    pointer: str | None = None
    faults: tuple[Fault, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)
    """Further members, which another standard asks for."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return TITLES[self.code].status

    def told(self, language: str, request_id: str = "") -> dict[str, Any]:
        """The problem as its members."""
        members: dict[str, Any] = {
            "type": type_of(self.code),
            "title": getattr(TITLES[self.code], language),
            "status": self.status,
            "detail": getattr(self.detail, language),
            "code": self.code,
            "pointer": self.pointer,
            "errors": [one.told(language) for one in self.faults],
            "facts": dict(self.facts),
            **self.extra,
            "instance": f"urn:uuid:{request_id}" if self.status >= 500 and request_id else None,
        }
        return {name: value for name, value in members.items() if value not in (None, [], {})}

    def response(self, headers: Headers, request_id: str = "") -> Response:
        """The answer to a request that came with *headers*."""
        language = language_of(headers.get("accept-language", ""))
        return Response(
            json.dumps(self.told(language, request_id), ensure_ascii=False, separators=(",", ":")).encode(),
            self.status,
            {**self.headers, "Content-Language": language, "Cache-Control": "no-store"},
            MEDIA_TYPE,
        )


def type_of(code: str) -> str:
    """The `type` of the problem *code*: the address of its page."""
    return f"/problems/{code}"


def refused(refusal: Refusal, *, replayed: bool = False) -> Problem:
    """A rule said no."""
    text = Wording(refusal.ja, refusal.en)
    at_fault = refusal.field is not None and refusal.code == "invalid_field"
    return Problem(
        refusal.code,
        text,
        pointer=refusal.field,
        faults=(Fault(refusal.field or "", text),) if at_fault else (),
        facts=refusal.facts,
        headers={"Idempotency-Replayed": "true"} if replayed else {},
    )


def unfit(*faults: Fault) -> Problem:
    """A body or a query that does not fit."""
    where = ", ".join(one.at for one in faults)
    text = Wording(f"正しくない項目があります: {where}", f"Some of it does not fit: {where}")
    pointer = None if faults[0].in_query else faults[0].at
    return Problem("invalid_field", text, pointer=pointer, faults=faults)


def unknown_batch() -> Problem:
    """There is no such batch of needs, or it is another bank's: the two look the same."""
    return Problem("unknown_batch", Wording("この一括受付はありません。", "There is no such batch."))


def unknown_case() -> Problem:
    """There is no such case, or it is nothing to whoever asks: the two look the same."""
    return refused(Refusal.of("unknown_case"))


def key_reused() -> Problem:
    """An Idempotency-Key came again with something else."""
    ja = "この Idempotency-Key は別の内容で使われています。新しいキーで送ってください。"
    return Problem(
        "idempotency_key_reused", Wording(ja, "This key was used with another body before. Send it with a new key.")
    )


def database_unavailable() -> Problem:
    """PostgreSQL is away."""
    ja = "データベースに接続できません。しばらくしてから、同じ Idempotency-Key で送り直してください。"
    en = "The database cannot be reached. Send it again in a while, with the same Idempotency-Key if it had one."
    return Problem("database_unavailable", Wording(ja, en), headers=_RETRY)


def database_full() -> Problem:
    """PostgreSQL's disk has no room."""
    ja = "データベースの空き容量がないため、何も記録されていません。管理者が容量を増やした後に送り直してください。"
    en = "The database has no room, so nothing was recorded. Send it again once the operator has made room."
    return Problem("database_full", Wording(ja, en), headers=_RETRY)


def key_missing() -> Problem:
    """What is asked for is sealed with a key that is not here; the log says which."""
    ja = "暗号鍵が見つからないため、読み取れません。管理者にお知らせください。"
    en = "It is sealed with a key that is not here, so it cannot be read. Tell the operator; the log names the key."
    return Problem("key_missing", Wording(ja, en), headers=_RETRY)


def unanswered(*, unreachable: bool) -> Problem:
    """The engine gave no answer in time; the command is kept and may yet take effect."""
    code = "engine_unavailable" if unreachable else "outcome_unknown"
    ja = "コマンドは保存されています。結果を知るには、同じ Idempotency-Key でもう一度送ってください。"
    en = "Your command is kept. To learn what became of it, send it again with the same Idempotency-Key."
    return Problem(code, Wording(ja, en), headers=_RETRY)


def internal_error() -> Problem:
    """A fault of ours; what it was stands in the log under the request's id."""
    text = Wording("内部エラーです。instance を添えてお知らせください。", "A fault of ours; name the instance to us.")
    return Problem("internal_error", text)


def language_of(accepted: str) -> str:
    """`ja` or `en`, whichever the Accept-Language header *accepted* likes better; English when it likes neither."""
    likes = {"ja": 0.0, "en": 0.0}
    for part in accepted.lower().split(","):
        tag, _, parameters = part.strip().partition(";")
        language = tag.split("-")[0]
        if language in likes:
            likes[language] = max(likes[language], _quality(parameters))
    return "ja" if likes["ja"] > likes["en"] else "en"


def quality_of(media_type: str, accepted: str) -> float:
    """How much the Accept header *accepted* likes *media_type*, 0 to 1; what is named best counts."""
    ranges = {media_type: 2, f"{media_type.split('/', maxsplit=1)[0]}/*": 1, "*/*": 0}
    found = (-1, 0.0)
    for part in accepted.lower().split(","):
        name, _, parameters = part.strip().partition(";")
        if name.strip() in ranges:
            found = max(found, (ranges[name.strip()], _quality(parameters)))
    return found[1]


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
