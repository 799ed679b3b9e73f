"""Signing checkpoints: C2SP signed notes with Ed25519; several keys may sign one, so that a key can be replaced."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.verify_bundle import Checkpoint, Key, key_of
from store.sealing import Seals


@dataclass(frozen=True)
class Signer:
    """A key that signs in the name of the log *origin*."""

    origin: str
    private: Ed25519PrivateKey

    @property
    def key(self) -> Key:
        """The verifier key."""
        return key_of(self.origin, self.private.public_key().public_bytes_raw())

    def line(self, text: str) -> str:
        """The signature line under *text*."""
        told = base64.b64encode(self.key.key_id + self.private.sign(text.encode())).decode()
        return f"— {self.origin} {told}\n"


def signers(origin: str, seeds: Sequence[bytes]) -> list[Signer]:
    """A signer for each of *seeds*, 32 secret bytes each. Raises ValueError."""
    return [Signer(origin, Ed25519PrivateKey.from_private_bytes(seed)) for seed in seeds]


def signers_of(seals: Seals) -> list[Signer]:
    """The signers of a system that was given no keys of its own for the log: they come from its master keys."""
    return signers(seals.log_origin, seals.log_seeds)


def sign(checkpoint: Checkpoint, everybody: Sequence[Signer]) -> bytes:
    """*checkpoint* as a note signed by *everybody*."""
    text = f"{checkpoint.origin}\n{checkpoint.size}\n{base64.b64encode(checkpoint.root).decode()}\n"
    return (text + "\n" + "".join(one.line(text) for one in everybody)).encode()
