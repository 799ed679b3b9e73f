"""Headers that say under which condition, and as which request, a command is meant."""

import re
from typing import Final

from domain.reasons import Wording
from gateway.problems import Problem

_BARE: Final = re.compile(r"[!#-+\--:<-\[\]-~]{1,255}")
_QUOTED: Final = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\]){1,510})"')
_ETAG: Final = re.compile(r'"v(0|[1-9][0-9]{0,9})"')


def idempotency_key(values: list[str]) -> str | None:
    """The key in the header's *values*: a structured-field String, or the same without quotes. Raises Problem."""
    if not values:
        return None
    told = values[0].strip() if len(values) == 1 else ""
    quoted = _QUOTED.fullmatch(told)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else told if _BARE.fullmatch(told) else ""
    if not 1 <= len(key) <= 255:
        ja = 'Idempotency-Key は1つだけ、"..." の形で、1から255文字の ASCII にしてください。'
        en = 'Send one Idempotency-Key of 1 to 255 ASCII characters, such as "8e03978e-40d5-43e8".'
        raise Problem("invalid_idempotency_key", Wording(ja, en))
    return key


def expected_versions(values: list[str]) -> tuple[int, ...]:
    """The versions of the If-Match header's *values*; empty when any will do. Raises Problem."""
    told = ",".join(values).strip()
    if told in ("", "*"):
        return ()
    tags = [_ETAG.fullmatch(tag.strip()) for tag in told.split(",")]
    if not all(tags):
        ja = 'If-Match は読み取った ETag(例: "v17")か * です。'
        raise Problem("invalid_if_match", Wording(ja, 'If-Match holds ETags as they were read, such as "v17", or *.'))
    return tuple(int(tag[1]) for tag in tags if tag)


def etag(version: int) -> str:
    """The ETag of a case at *version*."""
    return f'"v{version}"'
