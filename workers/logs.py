"""Logs: one line an event on stderr, JSON or for a reader at a terminal; names are fixed, keys allow-listed.

Nothing personal gets in: a key that is not listed here is dropped, an exception is its type and where it was raised.
HASHI_DEBUG=1 shows whole tracebacks.
"""

import logging
import os
import sys
import traceback
from types import TracebackType
from typing import Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger
from temporalio import workflow

ALLOWED: Final = frozenset(
    {"event", "level", "timestamp", "logger", "exception"}
    | {"case_id", "command_id", "command", "code", "request_id", "method", "route", "status", "took", "attempt"}
    | {"milliseconds", "outcome", "role", "fault"}
    | {"workflow_id", "run_id", "task_queue", "position", "version"}
    | {"count", "failed", "error", "name", "pid", "signal", "again_in", "log", "url", "host", "port"}
    | {"client_id", "session_id"}
    | {"temporal_address", "namespace", "home", "problems", "sandboxed", "build"}
)
"""The keys an event may have. None of them may ever hold a name, a text or a document of anybody's."""
_QUIET: Final = ("uvicorn", "httpx", "httpcore", "alembic", "sqlalchemy", "psycopg.pool", "asyncio")
_FRAMES: Final = 6


def configure(level: str = "info", *, for_terminal: bool | None = None, debug: bool = False) -> None:
    """Send all logs, also those of libraries, to stderr; *for_terminal* None: ask whether stderr is one."""
    readable = sys.stderr.isatty() if for_terminal is None else for_terminal
    steps: list[Processor] = [
        drop_in_replay,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if readable else "iso", utc=not readable),
        tell_exception if not debug else structlog.processors.format_exc_info,
        keep_allowed,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=steps,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(readable)],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *steps,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _renderer(readable: bool) -> Processor:
    if not readable:
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=not os.environ.get("NO_COLOR"), pad_event_to=28)


def drop_in_replay(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Say nothing while a workflow lives through its history again: it was said the first time."""
    if workflow.in_workflow() and workflow.unsafe.is_replaying_history_events():
        raise structlog.DropEvent
    return event


def keep_allowed(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop every key that is not allowed."""
    return {key: value for key, value in event.items() if key in ALLOWED or key.startswith("_")}


def tell_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Tell an exception by its type and the last places it passed: its message may quote what somebody wrote."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = f"{type(error).__name__} at {_places(error.__traceback__)}"
    return event


def _places(passed: TracebackType | None) -> str:
    frames = traceback.extract_tb(passed)[-_FRAMES:]
    return " > ".join(f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames)
