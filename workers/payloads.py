"""Encryption of what Temporal keeps, for whoever does not trust its database: switched on by HASHI_PAYLOAD_CODEC=1.

Histories hold ids only (`activities.contract`), so this is a second line; all workers and gateways share the switch
and the master key.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Final

from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, PayloadCodec

from store.sealing import Seals

_ENCODING: Final = b"binary/hashi-sealed"
_CONTEXT: Final = "temporal payload"


class SealingCodec(PayloadCodec):
    """Seals payloads with the master key; what is not sealed is read as it is."""

    def __init__(self, master_keys: Iterable[bytes]) -> None:
        self._seals = Seals(list(master_keys))

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Each payload as one that only a holder of the key can read."""
        return [
            Payload(metadata={"encoding": _ENCODING}, data=self._seals.seal(one.SerializeToString(), _CONTEXT))
            for one in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """The payloads as they were. Raises SealBroken."""
        return [self._opened(one) for one in payloads]

    def _opened(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != _ENCODING:
            return payload
        return Payload.FromString(self._seals.unseal(payload.data, _CONTEXT))


def data_converter(master_keys: Sequence[bytes], *, sealed: bool) -> DataConverter:
    """How commands' tickets travel through the engine."""
    if not sealed:
        return pydantic_data_converter
    return dataclasses.replace(pydantic_data_converter, payload_codec=SealingCodec(master_keys))
