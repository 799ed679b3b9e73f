"""What needs the master key: sealed bodies, keyed fingerprints, and ids that tell a stranger nothing."""

import hashlib
import hmac
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12


class SealBroken(Exception):
    """Sealed bytes that no known key opens for this context: changed, moved from elsewhere, or of a lost key."""


class KeyMissing(SealBroken):
    """The key that something was sealed with is not here, and was not destroyed either; the message names it."""


class Seals:
    """Seals with the first of *master_keys* (32 random bytes each), opens with all of them.

    Fingerprints and ids come from the last, the oldest one, so that a new key in front changes none of them.
    Raises ValueError for no key or a key of another length.
    """

    def __init__(self, master_keys: list[bytes]) -> None:
        if not master_keys or any(len(key) != KEY_BYTES for key in master_keys):
            raise ValueError(f"master keys are {KEY_BYTES} bytes each, and there is at least one")
        self._ciphers: Final = {_derive(key, "key id", _ID_BYTES): AESGCM(_derive(key, "seal")) for key in master_keys}
        self._first: Final = next(iter(self._ciphers))
        self._fingerprints: Final = _derive(master_keys[-1], "fingerprint")
        self._ids: Final = _derive(master_keys[-1], "id")
        self.log_seeds: Final = [_derive(key, "transparency log") for key in master_keys]
        """Secret keys of the transparency log, the newest first, for a system that was given none of their own."""
        self.token_seeds: Final = [_derive(key, "access tokens") for key in master_keys]
        """Secret keys that access tokens are signed with, the newest first, unless others were given."""
        self.log_origin: Final = f"hashi/{self._id(b'log')[:16]}"
        """The name of the system's transparency log, unless it was given another."""

    def seal(self, body: bytes, context: str) -> bytes:
        """*body* under AES-256-GCM, bound to *context*: key id (4 bytes), nonce (12), ciphertext and tag."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._first + nonce + self._ciphers[self._first].encrypt(nonce, body, context.encode())

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """What was sealed for the same *context*. Raises SealBroken."""
        start = _ID_BYTES + _NONCE_BYTES
        key_id, nonce, text = sealed[:_ID_BYTES], sealed[_ID_BYTES:start], sealed[start:]
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise KeyMissing(f"sealed with the key {key_id.hex()}, which is not among the master keys")
        try:
            return cipher.decrypt(nonce, text, context.encode())
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"not what was sealed for {context}") from error

    def fingerprint(self, body: bytes) -> bytes:
        """32 bytes that are equal for equal bodies and tell nothing without the key."""
        return _mac(self._fingerprints, body)

    def case_id_for(self, bank_id: str, bank_reference: str) -> str:
        """The id of the case that a bank's reference begins: 32 hexadecimal digits."""
        return self._id(b"referral", bank_id.encode(), bank_reference.encode())

    def opened_case_id(self, org_id: str, command_id: str) -> str:
        """The id of the case that a command without a bank opens: 32 hexadecimal digits."""
        return self._id(b"opened", org_id.encode(), command_id.encode())

    def document_id(self, org_id: str, sha256: str) -> str:
        """The id of a file of one organization, `doc_` and 32 hexadecimal digits."""
        return "doc_" + self._id(b"document", org_id.encode(), sha256.encode())

    def _id(self, *parts: bytes) -> str:
        return _mac(self._ids, *parts)[:16].hex()


def _derive(key: bytes, purpose: str, length: int = KEY_BYTES) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=f"hashi {purpose} v1".encode()).derive(key)


def _mac(key: bytes, *parts: bytes) -> bytes:
    code = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        code.update(len(part).to_bytes(8, "big") + part)
    return code.digest()
