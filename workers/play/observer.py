"""The observer of a performance: an auditor, who sees what each step appended to the case it acted on."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import httpx

from domain.terms import Role
from workers.play.answers import require
from workers.play.expect import Happened

_PAGE: Final = 1000


class Observer:
    """Reads cases whole, and of their events only what is new."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._read: dict[str, int] = {}
        """The position of the last event read of each case."""

    async def news(self, case_id: str) -> list[Happened]:
        """The events of the case since they were last asked for, from the first on."""
        return [_happened(one) for one in await self.events(case_id, self._read.get(case_id, 0))]

    async def events(self, case_id: str, after: int = 0) -> list[dict[str, Any]]:
        """The events of the case above the position *after*, as CloudEvents."""
        found: list[dict[str, Any]] = []
        while True:
            path = f"/v1/cases/{case_id}/events?limit={_PAGE}&after={after}"
            page = require(await self._client.get(path), "events")
            found += page["items"]
            if found:
                after = self._read[case_id] = int(found[-1]["sequence"])
            if not page["next"]:
                return found

    async def case(self, case_id: str) -> dict[str, Any]:
        """The case as it stands."""
        return require(await self._client.get(f"/v1/cases/{case_id}"), "case")

    async def dossier(self, case_id: str) -> dict[str, bytes]:
        """What was issued last of the case, by the form; nothing where no dossier was issued."""
        known = require(await self._client.get(f"/v1/cases/{case_id}/dossiers"), "dossiers")["items"]
        issued = [one for one in known if one["issues"]]
        if not issued:
            return {}
        address = f"/v1/dossiers/{issued[-1]['dossier_id']}"
        found = {form: await self._client.get(address, params={"format": form}) for form in ("pdf", "html", "json")}
        return {form: one.raise_for_status().content for form, one in found.items()}


def by_kind(events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The data of *events*, CloudEvents, by the type they have in the domain; of each type the last."""
    return {one.kind: one.data for one in map(_happened, (one for one in events if "data" in one))}


def kind_of(event: Mapping[str, Any]) -> str:
    """The type of *event*, a CloudEvent, as the domain names it."""
    name = str(event["type"]).rsplit(".", 2)[-2]
    return "".join(part.capitalize() for part in name.split("_"))


def _happened(event: Mapping[str, Any]) -> Happened:
    return Happened(kind_of(event), event["data"], by_itself=event.get("actorrole") == Role.system)
