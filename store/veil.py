"""Secret parts of events, sealed under a key of their case before they are kept, and opened when they are read.

A sealed value is AES-256-GCM under the case's data key, bound to the event and the place it stands in. The data keys
lie in a table of their own, wrapped by the master key; destroying one makes its values unreadable everywhere, in every
copy and backup, while the kept bytes, and every hash and proof over them, stay as they are.
"""

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.secrecy import REASON_TEXT, SECRET, kind_of, placeholder, places
from store.sealing import KeyMissing

SEALED_BY: Final = "sealed_by"
"""The field of a kept event that names the key of its sealed values."""
_NONCE: Final = 12
_SEALED: Final = {"kind", "sealed"}
_EVERYWHERE: Final = [(REASON_TEXT, ".".join(REASON_TEXT))]
_PATHS: Final = {
    kind: _EVERYWHERE + [(("data", *path), ".".join(("data", *path))) for path in paths]
    for kind, paths in SECRET.items()
}
"""Where secret values of each type of event lie, and what the place is called."""


class VeilTorn(Exception):
    """A sealed value does not open with its own key: it was changed, or moved from elsewhere."""


@dataclass(frozen=True)
class Veil:
    """The keys of one subject, by id; those that are destroyed are not among them, only their ids."""

    keys: Mapping[str, AESGCM] = field(default_factory=dict)
    newest: str | None = None
    """The key that seals what is written now; None: nothing is sealed."""
    destroyed: frozenset[str] | None = None
    """None: nobody looked for keys, so every secret reads as its placeholder."""

    def cover(self, told: dict[str, Any]) -> dict[str, Any]:
        """The event *told* with its secret values sealed, in place."""
        if self.newest is None:
            return told
        cipher, found = self.keys[self.newest], False
        for holder, name, place in _secrets(told):
            found, value = True, holder[name]
            nonce = os.urandom(_NONCE)
            text = json.dumps(value, ensure_ascii=False, default=str).encode()
            sealed = nonce + cipher.encrypt(nonce, text, _bound(told, place))
            holder[name] = {"kind": kind_of(value), "sealed": base64.b64encode(sealed).decode()}
        if found:
            told[SEALED_BY] = self.newest
        return told

    def uncover(self, told: dict[str, Any]) -> dict[str, Any]:
        """The kept event *told* with its secret values opened, in place; placeholders where the key is not there.

        Raises VeilTorn, KeyMissing.
        """
        key_id = told.pop(SEALED_BY, None)
        if key_id is None:
            return told
        cipher = self._cipher(key_id)
        for holder, name, place in _secrets(told):
            value = holder[name]
            if isinstance(value, dict) and value.keys() == _SEALED:  # else kept before its place became secret
                holder[name] = placeholder(value["kind"]) if cipher is None else _opened(cipher, value, told, place)
        return told

    def knows_key_of(self, body: bytes) -> bool:
        """Whether the key that sealed the kept event *body* is known, be it destroyed; so it is where none did."""
        named = [f'"{SEALED_BY}":"{one}"'.encode() in body for one in (*self.keys, *(self.destroyed or ()))]
        return any(named) or self.destroyed is None or f'"{SEALED_BY}":'.encode() not in body

    def seal(self, content: bytes, context: str) -> bytes:
        """*content*, bound to *context*, under the newest key, whose id stands in front."""
        assert self.newest is not None
        nonce = os.urandom(_NONCE)
        head = self.newest.encode()
        return bytes([len(head)]) + head + nonce + self.keys[self.newest].encrypt(nonce, content, context.encode())

    def unseal(self, sealed: bytes, context: str) -> bytes | None:
        """What was sealed for *context*; None when its key is destroyed. Raises VeilTorn, KeyMissing."""
        if not sealed:
            return None
        end = 1 + sealed[0]
        cipher = self._cipher(sealed[1:end].decode())
        if cipher is None:
            return None
        try:
            return cipher.decrypt(sealed[end : end + _NONCE], sealed[end + _NONCE :], context.encode())
        except InvalidTag as error:
            raise VeilTorn(f"{context} does not open with its key") from error

    def _cipher(self, key_id: str) -> AESGCM | None:
        """The key, None when it is destroyed. Raises KeyMissing."""
        cipher = self.keys.get(key_id)
        if cipher is None and self.destroyed is not None and key_id not in self.destroyed:
            raise KeyMissing(f"hashi.subject_keys lacks the key {key_id}")
        return cipher


NO_VEIL: Final = Veil()
"""No keys: nothing is sealed, and what is sealed reads as its placeholder."""


def _opened(cipher: AESGCM, value: Mapping[str, str], told: Mapping[str, Any], place: str) -> Any:
    sealed = base64.b64decode(value["sealed"])
    try:
        return json.loads(cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound(told, place)))
    except InvalidTag as error:
        raise VeilTorn(f"event {told['event_id']}: {place} does not open with its key") from error


def _secrets(told: dict[str, Any]) -> list[tuple[Any, str, str]]:
    """The secret values of the event *told*: holder, name in it, and a name for the place."""
    return [
        (holder, name, f"{place}[{number}]")
        for path, place in _PATHS.get(told["type"], _EVERYWHERE)
        for number, (holder, name) in enumerate(places(told, path))
    ]


def _bound(told: Mapping[str, Any], place: str) -> bytes:
    return f"{told['event_id']}|{place}".encode()
