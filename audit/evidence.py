"""The evidence of one dossier, as a bundle that goes inside its PDF: records, proofs, checkpoint, how to check them."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

from audit.bundle import Writer
from audit.log import known_keys, last_sealed, prove_inclusion
from audit.verify_bundle import EVIDENCE
from store.pool import Pool, fetch

_ISSUED: Final = "EvidenceDossierIssued"
_README: Final = Path(__file__).with_name("evidence.md")
_EVENTS: Final = "SELECT position, body FROM hashi.events WHERE stream = %s ORDER BY version"


async def evidence_of(pool: Pool, document: bytes, bodies: Mapping[str, bytes]) -> bytes | None:
    """The bundle for the dossier whose canonical JSON is *document*; None before anything was ever sealed.

    *bodies* are the kept bytes of those of its records that may go along, by event id. Raises StoreUnreachable.
    """
    sealed = await last_sealed(pool)
    if sealed is None:
        return None
    told, made = json.loads(document), io.BytesIO()
    size = sealed.checkpoint.size
    with ZipFile(made, "w") as file:
        out = Writer(file)
        out.add("dossier.json", document)
        for number, one in enumerate(told["citations"], 1):
            if one["event_id"] in bodies:
                out.add(f"records/{number:06d}.json", bodies[one["event_id"]])
            if one["leaf_index"] < size:
                out.add(f"proofs/{number:06d}.tlog-proof", await prove_inclusion(pool, one["leaf_index"] + 1, sealed))
        issue = await _issue(pool, told)
        if issue is not None and issue[0] <= size:
            out.add("issue.json", issue[1])
            out.add("issue.tlog-proof", await prove_inclusion(pool, issue[0], sealed))
        scope = {"format": EVIDENCE, "scope": f"dossier-{told.get('dossier_id', '')}", "events": len(told["citations"])}
        out.add_frame(sealed.note, await known_keys(pool), {**scope, "size": size}, _README)
    return made.getvalue()


async def _issue(pool: Pool, told: Mapping[str, Any]) -> tuple[int, bytes] | None:
    """Position and kept bytes of the event by which the dossier was issued; None for a preview."""
    for position, body in await fetch(pool, _EVENTS, [f"dossier-{told.get('dossier_id', '')}"]):
        event = json.loads(bytes(body))
        if event["type"] == _ISSUED and event["data"]["version"] == told.get("version"):
            return position, bytes(body)
    return None
