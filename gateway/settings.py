"""What an operator may set about the gateway."""

from dataclasses import dataclass
from typing import Final

MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True)
class Provider:
    """An identity provider, and as whom we are known to it; without a secret PKCE alone protects the code."""

    issuer: str
    client_id: str
    client_secret: str | None = None


@dataclass(frozen=True)
class GatewaySettings:
    """Limits of one gateway process; times in seconds, sizes in bytes."""

    patience: float = 20.0
    """How long one command is driven before its sender hears that the outcome is unknown."""
    attempt: float = 4.0
    """How long one call to the engine may take before the same command is sent again."""
    body_limit: int = MEBIBYTE
    document_limit: int = 20 * MEBIBYTE
    body_patience: float = 20.0
    """How long a body may take to arrive, beside a second for each 8 KiB that came."""
    batch_limit: int = 5 * MEBIBYTE
    """Of a table of needs."""
    rate_limit: int = 0
    """How many requests a key may make in a window, at all gateways together; 0: any number."""
    rate_window: int = 60
    """Seconds of that window."""
    webhooks_to_loopback: bool = False
    """Whether webhooks may be on this machine, for development."""
    issuer: str = "http://127.0.0.1:8780"
    """Where people and programs reach the gateway; also whom our own access tokens are issued by."""
    issuers: tuple[str, ...] = ()
    """Other authorization servers whose access tokens count."""
    audience: str | None = None
    """What access tokens are meant for; None: the issuer."""
    token_seeds: tuple[bytes, ...] = ()
    """32 bytes each that sign our access tokens, the newest first; none: those of the master keys."""
    sender_checked: bool = False
    """Whether a proxy checks that bound tokens (DPoP, mTLS) come from whom they are bound to."""
    provider: Provider | None = None
    """Where people sign in beside local accounts."""
    check_patience: float = 2.0
    """How long `/readyz` waits for each server."""
