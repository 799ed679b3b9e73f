"""Cookies of people in a browser, and that a request with one comes from our own pages.

`__Host-` binds them to this host and to TLS (browsers take this machine for safe without), SameSite=Lax keeps them from
other sites' forms; a change also needs our origin and the session's token.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from domain.reasons import Wording
from gateway.problems import Problem
from store.sealing import SealBroken, Seals

SESSION: Final = "__Host-hashi"
DEVICE: Final = "__Host-hashi-device"
SIGNING_IN: Final = "__Host-hashi-oidc"
CSRF: Final = "X-CSRF-Token"
YEAR: Final = 365 * 24 * 3600
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CROSS: Final = Wording(
    "ほかのサイトからの要求は受け付けません。このサイトの画面を開き直してください。",
    "This did not come from our own page: reload the page at this system's own address and try again.",
)


def put_cookie(response: Response, name: str, value: str, seconds: int) -> None:
    """Let *response* set the cookie *name*; 0 seconds take it away."""
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")


def csrf_token(word: str) -> str:
    """The token that goes with a change in the session of *word*; who has it cannot tell the word from it."""
    return base64.urlsafe_b64encode(hashlib.sha256(b"csrf " + word.encode()).digest()).decode().rstrip("=")


def require_own_page(request: Request, issuer: str, word: str | None = None, token: str | None = None) -> None:
    """Refuse a change from another site's page; in a session its *token* must be that of *word*. Raises Problem."""
    if request.method in _SAFE:
        return
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    own = origin == _origin(issuer) if origin else site in {None, "same-origin"}
    if not own or (word is not None and not hmac.compare_digest(token or "", csrf_token(word))):
        raise Problem("cross_site", _CROSS)


def sealed(seals: Seals, told: Mapping[str, Any], purpose: str) -> str:
    """*told* as a cookie that nobody reads or changes."""
    return base64.urlsafe_b64encode(seals.seal(json.dumps(told).encode(), f"cookie {purpose}")).decode()


def unsealed(seals: Seals, value: str | None, purpose: str) -> Mapping[str, Any] | None:
    """What was sealed as *value*; None for anything else."""
    try:
        told = json.loads(seals.unseal(base64.urlsafe_b64decode(value or ""), f"cookie {purpose}"))
    except (SealBroken, ValueError):
        return None
    return told if isinstance(told, dict) else None


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
