"""Where events may be pushed to: public addresses over TLS, never this machine, its network, or what leads there.

The name is judged when an endpoint is added, the address it leads to at every connection (a name may be bound anew).
"""

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

from domain.reasons import Wording

_LONGEST: Final = 2_000
_EMBEDDING: Final = tuple(
    IPv6Network(one) for one in ("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")
)
"""Networks of IPv6 that lead to an address of IPv4."""
_NUMERIC: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)\.?", re.IGNORECASE)
_NAME: Final = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}\.?", re.IGNORECASE)
_NO_URL: Final = Wording("URL ではありません。", "This is no URL.")
_NOT_HTTPS: Final = Wording("https の URL にしてください。", "This must be an https URL.")
_TOO_MUCH: Final = Wording(
    "利用者名、パスワード、# 以降は含められません。", "It has neither a user, nor a password, nor a fragment."
)
_NOT_PUBLIC: Final = Wording(
    "インターネット上で公開されたホスト名または IP アドレスにしてください。",
    "Its host must be a name or an address that is public on the internet.",
)


def unfit_url(url: str, *, loopback: bool = False) -> Wording | None:
    """Why nothing is pushed to *url*; None where it may be. With *loopback* this machine may be, also without TLS."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return _NO_URL
    if not host or len(url) > _LONGEST or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return _NO_URL
    if parts.username is not None or parts.password is not None or "#" in url:
        return _TOO_MUCH
    if loopback and parts.scheme in {"http", "https"} and _is_this_machine(host):
        return None
    if parts.scheme != "https":
        return _NOT_HTTPS
    return None if _is_public_host(host) else _NOT_PUBLIC


def is_public(address: str) -> bool:
    """Whether the numeric *address* is one of the public internet."""
    found = _address(address)
    if isinstance(found, IPv6Address) and any(found in network for network in _EMBEDDING):
        return False
    return found is not None and found.is_global and not found.is_multicast and not found.is_reserved


def is_loopback(address: str) -> bool:
    """Whether the numeric *address* is this machine's own."""
    found = _address(address)
    return found is not None and found.is_loopback


def _is_this_machine(host: str) -> bool:
    return host == "localhost" or is_loopback(host)


def _is_public_host(host: str) -> bool:
    if _address(host) is not None:
        return is_public(host)
    last = host.rstrip(".").rsplit(".", 1)[-1]
    if _NUMERIC.fullmatch(last):  # 0x7f.1, 2130706433: other ways to write an address (WHATWG URL, 3.5)
        return False
    return _NAME.fullmatch(host) is not None and last.lower() not in {"local", "localhost", "internal", "arpa", "onion"}


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.split("%", 1)[0])
    except ValueError:
        return None
