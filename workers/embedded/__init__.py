"""The embedded servers of one machine: PostgreSQL and Temporal out of Python wheels, started and stopped as a pair."""

from workers.embedded.errors import EmbeddedServerError
from workers.embedded.stack import Options, Stack, start, throwaway

__all__ = ["EmbeddedServerError", "Options", "Stack", "start", "throwaway"]
