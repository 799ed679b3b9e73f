"""Passwords of local accounts: Argon2id (RFC 9106), two at a time, so that guessing costs not everybody."""

import asyncio
import unicodedata
from functools import cached_property
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.reasons import Wording
from gateway.problems import Fault, unfit

SHORTEST: Final = 12
LONGEST: Final = 128
_DIFFERENT: Final = 5
_AT_ONCE: Final = 2
_WEAK: Final = Wording(
    f"パスワードは{SHORTEST}文字以上で、ID や氏名を含まず、{_DIFFERENT}種類以上の文字を使ってください。",
    f"A password has {SHORTEST} to {LONGEST} characters, {_DIFFERENT} of them different, without id and name.",
)


class Passwords:
    """Hashes and compares, at most two at a time."""

    def __init__(self) -> None:
        self._hasher: Final = PasswordHasher()
        self._turn: Final = asyncio.Semaphore(_AT_ONCE)

    async def hashed(self, password: str) -> str:
        """What is kept of *password*."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, _normal(password))

    async def fits(self, kept: str | None, password: str) -> bool:
        """Whether *password* is the one of which *kept* was kept; as slow where there is none."""
        async with self._turn:
            return await asyncio.to_thread(self._verify, kept or self._nobodys, _normal(password)) and kept is not None

    def is_old(self, kept: str) -> bool:
        """Whether *kept* was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash("nobody's password")

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False


def require_strong(password: str, *about: str) -> None:
    """Refuse a *password* that is short, simple, or holds one of the words *about* its owner. Raises Problem."""
    text = _normal(password)
    told = any(len(word) > 2 and word.casefold() in text.casefold() for word in about)
    if not SHORTEST <= len(text) <= LONGEST or len(set(text)) < _DIFFERENT or told:
        raise unfit(Fault("/password", _WEAK))


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
