"""What a fresh Temporal server is told before it is used: how long closed runs stay, and the search attributes."""

import asyncio
import functools
import time
from collections.abc import Awaitable, Mapping
from datetime import timedelta
from typing import TypeVar

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RPCError, RPCStatusCode

from workers.embedded.errors import EmbeddedServerError

NAMESPACE = "default"
RETENTION = timedelta(days=30)
CALL = timedelta(seconds=5)
NOT_YET = {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.NOT_FOUND}
KINDS = {
    "Text": IndexedValueType.INDEXED_VALUE_TYPE_TEXT,
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Int": IndexedValueType.INDEXED_VALUE_TYPE_INT,
    "Double": IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
    "Bool": IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
    "Datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
    "KeywordList": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
}

T = TypeVar("T")


class Unanswered(Exception):
    """The server did not answer, or refused what it was told; the text says which."""


def kind(name: str, type_name: str) -> IndexedValueType.ValueType:
    """Return the number of a search attribute's type. Raises EmbeddedServerError when Temporal has no such type."""
    if type_name not in KINDS:
        raise EmbeddedServerError(
            f"Search attribute {name} has no type {type_name}.", f"use one of {', '.join(KINDS)}."
        )
    return KINDS[type_name]


@functools.cache
def _runtime() -> Runtime:
    """Return a runtime of our own, so that the process may still set the default one."""
    return Runtime(telemetry=TelemetryConfig())


async def _to_its_end(call: Awaitable[T]) -> T:
    """Wait for a call also when we are cancelled: a cancelled one may crash the interpreter's exit (sdk-python#300)."""
    running = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


async def settle(address: str, search_attributes: Mapping[str, str], patience: float) -> None:
    """Wait until the namespace answers, at most *patience* seconds, and see to retention and search attributes.

    Raises Unanswered.
    """
    deadline = time.monotonic() + patience
    while (refusal := await _try(address, search_attributes)) is not None:
        if time.monotonic() > deadline:
            raise Unanswered(str(refusal)) from refusal
        await asyncio.sleep(0.02)


async def _try(address: str, search_attributes: Mapping[str, str]) -> Exception | None:
    """Return why it has to be tried again, None when all is done."""
    try:
        client = await _to_its_end(Client.connect(address, runtime=_runtime()))
        await _keep_closed_runs(client)
        await _add_missing(client, search_attributes)
    except RuntimeError as refusal:  # what connect raises
        return refusal
    except RPCError as refusal:
        if refusal.status not in NOT_YET:
            raise Unanswered(str(refusal)) from refusal
        return refusal
    return None


async def _keep_closed_runs(client: Client) -> None:
    service = client.workflow_service
    found = await _to_its_end(service.describe_namespace(DescribeNamespaceRequest(namespace=NAMESPACE), timeout=CALL))
    if found.config.workflow_execution_retention_ttl.ToTimedelta() < RETENTION:
        config = NamespaceConfig()
        config.workflow_execution_retention_ttl.FromTimedelta(RETENTION)
        wish = UpdateNamespaceRequest(namespace=NAMESPACE, config=config)
        await _to_its_end(service.update_namespace(wish, timeout=CALL))


async def _add_missing(client: Client, search_attributes: Mapping[str, str]) -> None:
    """Add those which the server's own option left out, as it does once its database exists."""
    service = client.operator_service
    question = ListSearchAttributesRequest(namespace=NAMESPACE)
    known = (await _to_its_end(service.list_search_attributes(question, timeout=CALL))).custom_attributes
    missing = {name: kind(name, word) for name, word in search_attributes.items() if name not in known}
    if missing:
        wish = AddSearchAttributesRequest(namespace=NAMESPACE, search_attributes=missing)
        await _to_its_end(service.add_search_attributes(wish, timeout=CALL))
