"""Headers that say under which condition, and as which request, a command is meant."""

import re
from typing import Final

from starlette.requests import Request

from domain.reasons import Wording
from gateway.problems import Fault, Problem, unfit

_NUL: Final = Wording("NUL 文字は使えません。", "It holds a NUL character.")
_BARE: Final = r"[!#-+\--:<-\[\]-~]{1,255}"
_QUOTED: Final = r'"(?:[ !#-\[\]-~]|\\["\\]){1,255}"'
KEY_PATTERN: Final = f"{_BARE}|{_QUOTED}"
_ETAG: Final = r'"v(?:0|[1-9][0-9]{0,9})"'
ETAGS_PATTERN: Final = rf"\*|{_ETAG}(?:[ \t]*,[ \t]*{_ETAG})*"
"""What the headers Idempotency-Key and If-Match may hold."""


async def require_text(request: Request) -> None:
    """No parameter of *request* holds a NUL, which no text in the database may. Raises Problem."""
    faults = [Fault(name, _NUL, in_query=True) for name, value in request.query_params.items() if "\0" in value]
    if faults:
        raise unfit(*faults)


def idempotency_key(values: list[str]) -> str | None:
    """The key in the header's *values*: a structured-field String, or the same without quotes. Raises Problem."""
    if not values:
        return None
    told = values[0].strip() if len(values) == 1 else ""
    if not re.fullmatch(KEY_PATTERN, told):
        ja = 'Idempotency-Key は1つだけ、"..." の形で、1から255文字の ASCII にしてください。'
        en = 'Send one Idempotency-Key of 1 to 255 ASCII characters, such as "8e03978e-40d5-43e8".'
        raise Problem("invalid_idempotency_key", Wording(ja, en))
    return re.sub(r"\\(.)", r"\1", told[1:-1]) if told.startswith('"') else told


def expected_versions(values: list[str]) -> tuple[int, ...]:
    """The versions of the If-Match header's *values*; empty when any will do. Raises Problem."""
    told = ",".join(values).strip()
    if not values or told == "*":
        return ()
    if not re.fullmatch(ETAGS_PATTERN, told):
        ja = 'If-Match は読み取った ETag(例: "v17")か * です。'
        raise Problem("invalid_if_match", Wording(ja, 'If-Match holds ETags as they were read, such as "v17", or *.'))
    return tuple(int(number) for number in re.findall(r"\d+", told))


def is_known(values: list[str], tag: str) -> bool:
    """Whether the If-None-Match header's *values* name *tag*, weak or strong, or whatever there is."""
    told = [one.strip().removeprefix("W/") for one in ",".join(values).split(",")]
    return tag in told or told == ["*"]


def etag(version: int) -> str:
    """The ETag of a case at *version*."""
    return f'"v{version}"'
