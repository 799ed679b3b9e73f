"""For whoever runs it: is the process alive, and are the servers behind it."""

import asyncio
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from gateway.parts import Gateway, gateway_of
from gateway.shapes import ref
from gateway.views import answer
from store.connect import StoreUnreachable

router: Final = APIRouter(tags=["operations"])
_NOT_READY: Final[dict[int | str, dict[str, Any]]] = {
    503: {"description": "Not ready", "content": {"application/json": {"schema": ref("Ready")}}}
}


@router.get("/livez", openapi_extra={"x-answer": "Alive"})
async def alive() -> Response:
    """The process answers."""
    return answer({"status": "alive"})


@router.get("/readyz", openapi_extra={"x-answer": "Ready"}, responses=_NOT_READY)
async def ready(request: Request) -> Response:
    """Every server behind the gateway answers; 503 names the one that does not."""
    gateway = gateway_of(request)
    patience = gateway.settings.check_patience
    database, temporal = await asyncio.gather(_database(gateway), gateway.engine.is_reachable(patience))
    works = {"database": database, "temporal": temporal}
    checks = {name: "ok" if one else "unreachable" for name, one in works.items()}
    is_ready = all(works.values())
    return answer({"status": "ready" if is_ready else "not ready", "checks": checks}, 200 if is_ready else 503)


async def _database(gateway: Gateway) -> bool:
    try:
        async with asyncio.timeout(gateway.settings.check_patience):
            await gateway.store.clock.now()
    except (StoreUnreachable, TimeoutError):
        return False
    return True
