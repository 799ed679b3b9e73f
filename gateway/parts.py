"""What the routes of one gateway share."""

import asyncio
from dataclasses import dataclass, field

from starlette.requests import Request

from gateway.ask import Asking
from gateway.engine import Engine
from gateway.keysets import Issuers
from gateway.passwords import Passwords
from gateway.quota import Quota
from gateway.settings import GatewaySettings
from gateway.tokens import Signing, Tokens
from gateway.trails import Trails
from store.cases import Cases
from store.connect import Store


@dataclass(frozen=True)
class Gateway:
    """One gateway: the store to read, the way of a command, and its limits."""

    store: Store
    cases: Cases
    trails: Trails
    asking: Asking
    engine: Engine
    settings: GatewaySettings
    quota: Quota
    signing: Signing
    issuers: Issuers
    tokens: Tokens
    providers: Issuers
    passwords: Passwords
    table: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a table of needs is unpacked: one at a time, for that takes memory."""


def gateway_of(request: Request) -> Gateway:
    """The gateway that *request* came to."""
    gateway: Gateway = request.app.state.gateway
    return gateway
