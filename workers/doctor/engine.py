"""Temporal: reachable, its namespace there, search attributes registered, closed runs kept, a worker at work."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.contract import SEARCH_ATTRIBUTES, TASK_QUEUE
from workers.build import build_id
from workers.doctor.finding import Finding, fault, ok, unreachable, warning
from workers.serving import Build, serving
from workers.settings import Settings, SettingsFault, connect_temporal

_CALL: Final = timedelta(seconds=5)
_SHORT: Final = timedelta(days=7)
_NAME: Final = "Temporal"


async def examine_temporal(settings: Settings, address: str | None) -> AsyncIterator[Finding]:
    """Look at the Temporal that the environment names, or at the one at *address*."""
    try:
        client = await (Client.connect(address) if address else connect_temporal(settings))
        yield await _namespace(client)
        yield await _attributes(client)
        async for finding in _workers(client, settings):
            yield finding
    except (RuntimeError, RPCError) as error:
        remedy = "start it, correct TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, or unset them and use `hashi up`"
        yield unreachable(_NAME, f"does not answer: {error}", remedy)
    except SettingsFault as error:
        yield fault(_NAME, str(error), "correct Temporal's TOML file or TEMPORAL_…")


async def _namespace(client: Client) -> Finding:
    try:
        told = await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace), timeout=_CALL
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return fault(_NAME, f"has no namespace {client.namespace}", "make it, or correct TEMPORAL_NAMESPACE")
    kept = told.config.workflow_execution_retention_ttl.ToTimedelta()
    sentence = f"namespace {client.namespace}, closed runs kept {kept.days} days"
    if kept < _SHORT:
        return warning(_NAME, sentence, "keep them at least 7 days, so that an incident can be looked into")
    return ok(_NAME, sentence)


async def _attributes(client: Client) -> Finding:
    told = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace), timeout=_CALL
    )
    missing = [name for name in SEARCH_ATTRIBUTES if name not in told.custom_attributes]
    if missing:
        words = " ".join(f"--name {name} --type {SEARCH_ATTRIBUTES[name]}" for name in missing)
        remedy = f"temporal operator search-attribute create {words}"
        return fault("Search attributes", f"not registered: {', '.join(missing)}", remedy)
    return ok("Search attributes", ", ".join(SEARCH_ATTRIBUTES))


async def _workers(client: Client, settings: Settings) -> AsyncIterator[Finding]:
    """Whether somebody takes the cases, and whether Temporal sends them to this build."""
    seen = await serving(client)
    if not seen.workers:
        yield warning("Worker", f"none serves {TASK_QUEUE}", "hashi worker")
    else:
        yield ok("Worker", f"{seen.workers} seen in the last five minutes, build {', '.join(sorted(seen.builds))}")
    ours = Build(settings.deployment, settings.build_id or build_id()) if settings.deployment else None
    if seen.current == ours:
        yield ok("Build", str(ours) if ours else f"{build_id()}; any worker takes any case")
    elif ours is not None:
        words = f"--deployment-name {ours.deployment} --build-id {ours.build_id}"
        yield warning(
            "Build",
            f"new runs go to {seen.current or 'workers without a deployment'}, this is {ours}",
            f"when its workers run: temporal worker deployment set-current-version {words}, "
            "then hashi audit restore-workflows",
        )
    elif seen.current is not None:
        words = f"--deployment-name {seen.current.deployment} --unversioned"
        yield fault(
            "Build",
            f"Temporal sends the cases to {seen.current}, not to workers without a deployment",
            f"set HASHI_DEPLOYMENT={seen.current.deployment}, or give it up: temporal worker deployment "
            f"set-current-version {words}, then hashi audit reconcile --repair",
        )
