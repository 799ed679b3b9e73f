"""`hashi keys …` for OAuth clients: programs that come with access tokens instead of a key."""

import json
from pathlib import Path
from typing import Any

import click

from domain.scopes import Scope
from workers.cli import show
from workers.cli.api import Api, acts, path
from workers.cli.faults import BadInput
from workers.cli.keys import keys
from workers.cli.shape import wants_json


@keys.command("clients", example="hashi keys clients --as admin")
@click.argument("person_id", metavar="[PERSON]", required=False)
@click.option("--ended", is_flag=True, help="Those that were revoked, too.")
@acts
def clients(api: Api, person_id: str | None, *, ended: bool) -> None:
    """List OAuth clients with their last use. OAuthクライアントの一覧"""
    found = api.every("/v1/clients", person_id=person_id, ended=str(ended).lower())
    if wants_json():
        show.lines(found)
        return
    rows = [
        (
            one["client_id"],
            one["person_id"],
            one["label"],
            " ".join(one["scopes"]),
            one["status"],
            one.get("issuer") or "own keys",
            show.moment(one.get("last_used_at")) or "never",
        )
        for one in found
    ]
    show.table(("Client", "Person", "Label", "For", "Status", "Vouched for by", "Last used"), rows)


@keys.command(
    "add-client",
    example="hashi keys add-client yamada --scope needs:write --scope cases:read --jwks public.json --as admin\n"
    "hashi keys add-client yamada --scope cases:read --issuer https://id.bank.example --subject core --as admin",
)
@click.argument("person_id", metavar="PERSON")
@click.option("--label", default="client", show_default=True, help="What it is for.")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice([one.value for one in Scope]))
@click.option("--jwks", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Its public keys, JWK Set.")
@click.option("--issuer", metavar="URL", help="Another authorization server (HASHI_OAUTH_ISSUERS) …")
@click.option("--subject", metavar="SUB", help="… and what that calls the client, the claim `sub`.")
@acts
def add_client(
    api: Api,
    person_id: str,
    *,
    label: str,
    scopes: tuple[str, ...],
    jwks: Path | None,
    issuer: str | None,
    subject: str | None,
) -> None:
    """Let a program act as PERSON by OAuth 2.0 client credentials. OAuthクライアントの登録"""
    given = {"jwks": _keys(jwks), "issuer": issuer, "subject": subject}
    body = {"label": label, "scopes": list(scopes)} | {name: value for name, value in given.items() if value}
    _show(api.post(path("people", person_id, "clients"), body).body)


@keys.command("client-keys", example="hashi keys client-keys hc_0f3a… --jwks public.json --as admin")
@click.argument("client_id", metavar="CLIENT")
@click.option("--jwks", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@acts
def client_keys(api: Api, client_id: str, *, jwks: Path) -> None:
    """Change the public keys of CLIENT: name the old and the new one while they rotate. 公開鍵の更新"""
    _show(api.put(path("clients", client_id, "keys"), {"jwks": _keys(jwks)}).body)


@keys.command("revoke-client", example="hashi keys revoke-client hc_0f3a… --as admin")
@click.argument("client_id", metavar="CLIENT")
@acts
def revoke_client(api: Api, client_id: str) -> None:
    """End CLIENT at once, with all its tokens. クライアントの取消し"""
    api.delete(path("clients", client_id))
    if wants_json():
        show.document({"client_id": client_id, "status": "revoked"})
    else:
        show.say(f"Revoked: {client_id}. The next request with one of its tokens is refused.")


def _keys(file: Path | None) -> Any:
    if file is None:
        return None
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput(f"--jwks: {file} is no JSON: {error}", field="--jwks") from error


def _show(told: dict[str, Any]) -> None:
    if wants_json():
        show.document(told)
    else:
        names = ("client_id", "person_id", "label", "issuer", "subject")
        show.pairs({name: told.get(name) for name in names} | {"scopes": " ".join(told["scopes"])}, indent=0)
