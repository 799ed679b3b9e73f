"""What goes wrong with an embedded server, said so that the reader knows what to do."""

from pathlib import Path


class EmbeddedServerError(Exception):
    """An embedded server cannot be started or stopped: *what* happened and the *remedy*, both plain sentences."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}\nWhat to do: {remedy}")
        self.what = what
        self.remedy = remedy


def not_writable(path: Path, cause: OSError) -> EmbeddedServerError:
    """Say that *path* cannot be written, for the reason the system gave in *cause*."""
    return EmbeddedServerError(
        f"The embedded servers cannot keep their data in {path}: {cause.strerror or cause}.",
        "set HASHI_HOME to a folder you may write to.",
    )
