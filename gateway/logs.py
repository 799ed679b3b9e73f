"""The gateway's log: JSON lines on stderr, fixed names, and only keys that can hold nothing personal."""

import sys
from typing import Any, Final

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

KEYS: Final = frozenset(
    {"event", "level", "timestamp", "request_id", "method", "route", "status", "milliseconds"}
    | {"case_id", "command", "command_id", "outcome", "code", "role", "fault"}
)
"""What a line may say. No body, no name, no address of a page with its parameters."""


def only_known_keys(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Drop from *line* what is not in KEYS."""
    return {key: value for key, value in line.items() if key in KEYS}


class _Stderr:
    """Standard error as it is now, which a test may have replaced."""

    def msg(self, message: str) -> None:
        sys.stderr.write(f"{message}\n")

    info = warning = error = msg


def _logger() -> FilteringBoundLogger:
    logger: Any = structlog.wrap_logger(
        _Stderr(),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            only_known_keys,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )
    return logger  # type: ignore[no-any-return]


log: Final = _logger()
"""The logger of this package."""
