"""How much each key asked for in the present window, counted together by all gateways."""

from collections.abc import Mapping
from typing import Final

from store.pool import Pool, fetch

_ADD: Final = """
WITH present AS (SELECT floor(extract(epoch FROM clock_timestamp()) / %(window)s)::bigint AS slot),
told AS (SELECT key_id, count FROM unnest(%(keys)s::text[], %(counts)s::int[]) AS t(key_id, count) ORDER BY key_id)
INSERT INTO hashi.quotas AS q (key_id, slot, used) SELECT key_id, slot, count FROM told, present
ON CONFLICT (key_id) DO UPDATE SET slot = excluded.slot,
    used = excluded.used + CASE WHEN q.slot = excluded.slot THEN q.used ELSE 0 END
RETURNING key_id, used
"""


class Quotas:
    """Counts requests. Raises StoreUnreachable when the database is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, counts: Mapping[str, int], window: int) -> dict[str, int]:
        """Add *counts* to the present window of *window* seconds, by the server's wall clock; the sums of those keys.

        The one clock of the cases may stand still; this one must not.
        """
        values = {"window": window, "keys": list(counts), "counts": list(counts.values())}
        return {str(key): int(used) for key, used in await fetch(self._pool, _ADD, values)}
