"""`hashi schema`: what programs are written against, as machines read it."""

from collections.abc import Collection, Sequence
from types import SimpleNamespace
from typing import Any, Final, cast

import click

from domain.law import FACTS, RULES
from domain.reasons import CATALOGUE, ReasonKind
from domain.terms import Role
from gateway.app import create_app
from gateway.commands import NEED, OFFERED, OPEN, STREAMS
from gateway.description import description
from gateway.lender_contract import asyncapi
from gateway.schemas import schema_of_command, schema_of_event
from workers.cli import show
from workers.cli.faults import BadInput
from workers.cli.shape import Group, wants_json

_COMMANDS: Final = (NEED, OPEN, *OFFERED)
_KINDS: Final = {stream: kind for kind, stream in STREAMS.items()}


@click.group(cls=Group, example="hashi schema commands --list\nhashi schema openapi > openapi.json")
def schema() -> None:
    """Print the machine-readable contracts. 機械可読な仕様"""


@schema.command("commands", example="hashi schema commands --list\nhashi schema commands DeclineNeed")
@click.argument("names", nargs=-1, metavar="[COMMAND]…")
@click.option("--list", "only_list", is_flag=True, help="Only names, and who may give them.")
def commands(names: tuple[str, ...], only_list: bool) -> None:
    """Print the JSON Schema of commands, with an example each. コマンドの仕様

    `x-address` says where it is sent, `x-roles` who may give it, `x-confirmed-by` whose second word it needs,
    `x-reason` the reasons it needs one of.
    """
    chosen = _chosen(names, _COMMANDS, "command")
    if only_list:
        _list([(name, _roles(RULES[name].by), RULES[name].data.__doc__ or "") for name in chosen])
    else:
        _print("commands", {name: _command(name) for name in chosen}, names)


@schema.command("events", example="hashi schema events NeedReferred")
@click.argument("names", nargs=-1, metavar="[EVENT]…")
@click.option("--list", "only_list", is_flag=True, help="Only names.")
def events(names: tuple[str, ...], only_list: bool) -> None:
    """Print the JSON Schema of events' data, by name and version, with an example each. イベントの仕様

    `x-stream` says where it happens, `x-commands` and `x-roles` by what and whom, `x-bank` and `x-lender` how much of
    it a referring bank and a lender with the company's consent see.
    """
    chosen = _chosen(names, list(FACTS), "event")
    if only_list:
        _list([(name, "", FACTS[name].data.__doc__ or "") for name in chosen])
    else:
        told = {
            f"{name}.v{number}": schema_of_event(name, number) for name in chosen for number in FACTS[name].versions
        }
        _print("events", told, names)


@schema.command("openapi", example="hashi schema openapi > openapi.json")
def openapi() -> None:
    """Print the OpenAPI 3.1 description of the HTTP interface. OpenAPI仕様

    No server is needed; a running gateway serves the same at /v1/openapi.json.
    """
    show.document(interface())


@schema.command("asyncapi", example="hashi schema asyncapi > asyncapi.json")
def async_interface() -> None:
    """Print the AsyncAPI 3.1 description of the lender's feed and webhooks. AsyncAPI仕様"""
    show.document(asyncapi())


def interface() -> dict[str, Any]:
    """The OpenAPI description of what a gateway serves."""
    seals = SimpleNamespace(token_seeds=())
    nothing = SimpleNamespace(ledger=None, desk=None, clients=None, accounts=None, seals=seals)
    nobody = cast(Any, nothing)  # describing an application asks none of its servers
    return description(create_app(nobody, nobody))


def _command(name: str) -> dict[str, Any]:
    rule = RULES[name]
    more: dict[str, Any] = {"x-address": _address(name), "x-roles": sorted(rule.by)}
    if rule.confirmed_by:
        more["x-confirmed-by"] = sorted(rule.confirmed_by)
    if rule.reason:
        more["x-reason"] = list(CATALOGUE[rule.reason]) if isinstance(rule.reason, ReasonKind) else "any"
    return {**schema_of_command(name), **more}


def _address(name: str) -> str:
    """Where the command is sent, by POST."""
    fixed = {NEED: "/v1/needs", OPEN: "/v1/cases"}
    return fixed.get(name) or f"/v1/{_KINDS[RULES[name].stream]}/{{id}}/commands/{name}"


def _chosen(names: Sequence[str], known: Sequence[str], what: str) -> Sequence[str]:
    for name in names:
        if name not in known:
            near = [one for one in known if name.lower() in one.lower()]
            raise BadInput(f"{name}: no such {what}; {'perhaps ' + ', '.join(near) if near else 'see --list'}")
    return names or known


def _roles(roles: Collection[Role]) -> str:
    return ", ".join(sorted(roles))


def _list(rows: list[tuple[str, str, str]]) -> None:
    if wants_json():
        show.lines(
            {"name": name, "roles": roles.split(", ") if roles else [], "what": what} for name, roles, what in rows
        )
    else:
        told = [(name, what.splitlines()[0], roles) for name, roles, what in rows]
        show.table(("Name", "What it does", "By"), told)


def _print(kind: str, told: dict[str, Any], names: Sequence[str]) -> None:
    """A single one that was asked for by name stands alone."""
    show.document(next(iter(told.values())) if len(names) == 1 and len(told) == 1 else {kind: told})
