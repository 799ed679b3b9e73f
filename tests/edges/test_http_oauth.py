"""A program comes with access tokens, our own or another issuer's; what is not exactly right opens nothing."""

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey
from structlog.testing import capture_logs
from temporalio.client import Client

sys.path.append(str(Path(__file__).parent))

from issuer import Issuer, serving, weak_keys

import gateway.keysets
from gateway.app import create_app
from gateway.settings import GatewaySettings
from store.connect import Store
from workers.cli import run

Call = Callable[..., Any]
OURS = "https://hashi.example"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
METADATA = "/.well-known/oauth-authorization-server"


@pytest.fixture
async def issuer(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Issuer]:
    """An authorization server; its keys may be asked for again at once."""
    monkeypatch.setattr(gateway.keysets, "PAUSE", 0.0)
    async with serving(Issuer()) as one:
        yield one


@pytest.fixture
def trusting(store: Store, engine: Client, issuer: Issuer) -> FastAPI:
    """A gateway that trusts the issuer."""
    return create_app(store, engine, settings=GatewaySettings(issuer=OURS, issuers=(issuer.address,)))


@pytest.fixture
def own(store: Store, engine: Client) -> FastAPI:
    """A gateway that trusts nobody but itself."""
    return create_app(store, engine, settings=GatewaySettings(issuer=OURS))


def public(*keys: Key) -> dict[str, Any]:
    return dict(KeySet(list(keys)).as_dict(private=False))


async def registered(call: Call, app: FastAPI, key: Key, person: str = "sato", **more: Any) -> str:
    """The id of a new client of *person* with *key*."""
    body = {"scopes": ["cases:read", "needs:write"], "jwks": public(key), **more}
    answer = await call("admin", app).post(f"/v1/people/{person}/clients", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["client_id"])


async def ask(call: Call, app: FastAPI, assertion: str, **more: str) -> httpx.Response:
    """The answer of the token endpoint to *assertion*."""
    form = {"grant_type": "client_credentials", "client_assertion_type": JWT_BEARER, "client_assertion": assertion}
    return await call("sato", app, Authorization="").post("/v1/oauth/token", data={**form, **more})  # type: ignore[no-any-return]


async def assertion(store: Store, client_id: str, key: Key, alg: str = "ES256", **changes: Any) -> str:
    """A client's assertion as it should be, but for the *changes*; None takes a claim out."""
    now = int((await store.clock.now()).timestamp())
    claims = {"iss": client_id, "sub": client_id, "aud": OURS, "iat": now, "exp": now + 120, "jti": uuid4().hex}
    told = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": key.kid}, told, key, algorithms=[alg])


async def me(call: Call, app: FastAPI, token: str) -> httpx.Response:
    return await call("sato", app).get("/v1/me", headers={"Authorization": f"Bearer {token}"})  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (ECKey.generate_key("P-256", auto_kid=True), "ES256"),
        (OKPKey.generate_key("Ed25519", auto_kid=True), "Ed25519"),
        (RSAKey.generate_key(2048, auto_kid=True), "PS256"),
    ],
    ids=["ES256", "Ed25519", "PS256"],
)
async def test_a_client_proves_itself_and_acts_as_its_person(
    call: Call, own: FastAPI, store: Store, key: Key, alg: str
) -> None:
    client_id = await registered(call, own, key)
    answer = await ask(call, own, await assertion(store, client_id, key, alg), scope="cases:read")
    told = answer.json()
    assert (answer.status_code, told["token_type"], told["scope"]) == (200, "Bearer", "cases:read"), told
    assert answer.headers["cache-control"] == "no-store"
    seen = (await me(call, own, told["access_token"])).json()
    assert (seen["person"]["person_id"], seen["scopes"]) == ("sato", ["cases:read"])
    bearer = {"Authorization": f"Bearer {told['access_token']}"}
    assert (await call("sato", own).get("/v1/cases", headers=bearer)).status_code == 200
    refused = await call("sato", own).post("/v1/needs", json={}, headers=bearer)
    assert refused.json()["code"] == "insufficient_scope"


async def test_a_token_is_what_rfc_9068_says_and_checked_by_the_published_keys(
    call: Call, own: FastAPI, store: Store
) -> None:
    key = ECKey.generate_key("P-256", auto_kid=True)
    client_id = await registered(call, own, key)
    token = (await ask(call, own, await assertion(store, client_id, key))).json()["access_token"]
    stranger = call("sato", own, Authorization="")
    metadata = (await stranger.get(METADATA)).json()
    assert (metadata["issuer"], metadata["jwks_uri"]) == (OURS, f"{OURS}/.well-known/jwks.json")
    published = KeySet.import_key_set((await stranger.get("/.well-known/jwks.json")).json())
    assert not any(one.is_private for one in published)
    read = jwt.decode(token, published, algorithms=["Ed25519"])
    assert read.header["typ"] == "at+jwt"
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} <= read.claims.keys()
    assert read.claims["exp"] - read.claims["iat"] <= 600


async def test_an_assertion_counts_once(call: Call, own: FastAPI, store: Store) -> None:
    key = ECKey.generate_key("P-256", auto_kid=True)
    once = await assertion(store, await registered(call, own, key), key)
    assert (await ask(call, own, once)).status_code == 200
    again = await ask(call, own, once)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
    assert "jti" in again.json()["error_description"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"aud": "https://elsewhere.example"}, "aud"),
        ({"aud": [OURS, "https://elsewhere.example"]}, "aud"),
        ({"aud": None}, "aud"),
        ({"iss": "hc_0000000000000000"}, "iss"),
        ({"sub": "hc_0000000000000000"}, "sub"),
        ({"exp": 4102444800}, "exp"),
        ({"exp": 1}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": "tomorrow"}, "exp"),
        ({"jti": None}, "jti"),
        ({"jti": 7}, "jti"),
        ({"nbf": 4102444800}, "nbf"),
    ],
)
async def test_an_assertion_that_is_not_exactly_right_proves_nothing(
    call: Call, own: FastAPI, store: Store, changes: dict[str, Any], word: str
) -> None:
    key = ECKey.generate_key("P-256", auto_kid=True)
    client_id = await registered(call, own, key)
    answer = await ask(call, own, await assertion(store, client_id, key, **changes))
    told = answer.json()
    assert (answer.status_code, told["error"], told["code"]) == (401, "invalid_client", "invalid_client")
    assert word in told["error_description"].replace("not yet valid", "nbf").replace("expired", "exp")


async def test_another_key_proves_nothing(call: Call, own: FastAPI, store: Store) -> None:
    key, other = ECKey.generate_key("P-256", auto_kid=True), ECKey.generate_key("P-256", auto_kid=True)
    client_id = await registered(call, own, key)
    posing = ECKey.import_key({**other.as_dict(private=True), "kid": key.kid})
    for one in (other, posing):
        assert (await ask(call, own, await assertion(store, client_id, one))).json()["error"] == "invalid_client"


async def test_neither_a_shared_secret_nor_none_signs(call: Call, own: FastAPI, store: Store) -> None:
    """The public key taken for a secret (HS256), and no signature at all."""
    key = ECKey.generate_key("P-256", auto_kid=True)
    client_id = await registered(call, own, key)
    good = await assertion(store, client_id, key)
    _, claims, signature = good.split(".")
    for header in ({"alg": "none"}, {"alg": "HS256", "kid": key.kid}, {"alg": "RS256", "kid": key.kid}):
        named = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
        for end in ("", signature):
            assert (await ask(call, own, f"{named}.{claims}.{end}")).json()["error"] == "invalid_client"


@pytest.mark.parametrize("junk", ["", "x", "a.b.c", "e30.e30.", "..", "e30.W10.x", "ÿ.ÿ.ÿ", "." * 5000])
async def test_what_is_no_assertion_is_refused(call: Call, own: FastAPI, junk: str) -> None:
    assert (await ask(call, own, junk)).json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_assertion_type": "x"}, "invalid_client"),
        ({"client_id": "another"}, "invalid_client"),
        ({"scope": "audit:read"}, "invalid_scope"),
        ({"scope": "all"}, "invalid_scope"),
    ],
)
async def test_a_token_request_says_what_it_wants(
    call: Call, own: FastAPI, store: Store, changes: dict[str, str], error: str
) -> None:
    key = ECKey.generate_key("P-256", auto_kid=True)
    good = await assertion(store, await registered(call, own, key), key)
    answer = await ask(call, own, good, **changes)
    assert (answer.json()["error"], answer.json()["code"]) == (error, error)


async def test_a_token_request_is_a_form(call: Call, own: FastAPI) -> None:
    stranger = call("sato", own, Authorization="")
    for body, media in (("{}", "application/json"), ("a=1&a=2", "application/x-www-form-urlencoded"), ("%", "text/x")):
        answer = await stranger.post("/v1/oauth/token", content=body, headers={"Content-Type": media})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_an_ended_client_and_its_tokens_open_nothing(call: Call, own: FastAPI, store: Store) -> None:
    key = ECKey.generate_key("P-256", auto_kid=True)
    client_id = await registered(call, own, key)
    token = (await ask(call, own, await assertion(store, client_id, key))).json()["access_token"]
    assert (await me(call, own, token)).status_code == 200
    assert (await call("admin", own).delete(f"/v1/clients/{client_id}")).status_code == 204
    refused = await me(call, own, token)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert (await ask(call, own, await assertion(store, client_id, key))).json()["error"] == "invalid_client"


async def test_a_client_rotates_its_keys_with_both_in_force(call: Call, own: FastAPI, store: Store) -> None:
    old, new = (ECKey.generate_key("P-256", auto_kid=True) for _ in range(2))
    client_id = await registered(call, own, old)
    put = call("admin", own).put
    assert (await put(f"/v1/clients/{client_id}/keys", json={"jwks": public(old, new)})).status_code == 200
    for key in (old, new):
        assert (await ask(call, own, await assertion(store, client_id, key))).status_code == 200
    await put(f"/v1/clients/{client_id}/keys", json={"jwks": public(new)})
    assert (await ask(call, own, await assertion(store, client_id, old))).status_code == 401


async def test_our_own_keys_rotate_without_a_break(call: Call, store: Store, engine: Client) -> None:
    seeds = bytes(range(32)), bytes(range(32, 64))
    before, after = (
        create_app(store, engine, settings=GatewaySettings(issuer=OURS, token_seeds=one))
        for one in (seeds[:1], (seeds[1], seeds[0]))
    )
    key = ECKey.generate_key("P-256", auto_kid=True)
    client_id = await registered(call, before, key)
    for app in (before, after):
        token = (await ask(call, app, await assertion(store, client_id, key))).json()["access_token"]
        assert (await me(call, after, token)).status_code == 200
    assert (await me(call, before, token)).status_code == 401


@pytest.mark.parametrize("name", list(weak_keys()))
async def test_a_weak_or_secret_key_is_no_clients(call: Call, own: FastAPI, name: str) -> None:
    key = weak_keys()[name]
    answer = await call("admin", own).post(
        "/v1/people/sato/clients", json={"scopes": ["cases:read"], "jwks": {"keys": [key.as_dict(private=None)]}}
    )
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/jwks")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"jwks": {"keys": []}},
        {"jwks": {"keys": [{"kty": "EC"}]}},
        {"jwks": {"keys": 7}},
        {"jwks": {"keys": [7]}},
        {"jwks": {"keys": [ECKey.generate_key("P-256").as_dict(private=True)]}},
        {"issuer": "https://nobody.example", "subject": "x"},
        {"issuer": "https://nobody.example"},
    ],
)
async def test_a_client_is_registered_in_full_or_not(call: Call, own: FastAPI, body: dict[str, Any]) -> None:
    answer = await call("admin", own).post("/v1/people/sato/clients", json={"scopes": ["cases:read"], **body})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_field")


async def test_the_command_line_registers_lists_and_ends_clients(
    address: str,
    keys: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HASHI_URL", address)
    monkeypatch.setenv("HASHI_API_KEY", keys["admin"])
    file = tmp_path / "public.json"
    file.write_text(json.dumps(public(ECKey.generate_key("P-256", auto_kid=True))))

    async def hashi(*words: str, status: int = 0) -> str:
        with capture_logs():
            assert await asyncio.to_thread(run, list(words)) == status
        shown = capsys.readouterr()
        return shown.out + shown.err

    made = json.loads(await hashi("keys", "add-client", "hara", "--scope", "cases:read", "--jwks", str(file), "--json"))
    assert made["client_id"] in await hashi("keys", "clients", "hara")
    await hashi("keys", "client-keys", made["client_id"], "--jwks", str(file))
    await hashi("keys", "revoke-client", made["client_id"])
    assert made["client_id"] not in await hashi("keys", "clients", "hara")
    assert "revoked" in await hashi("keys", "clients", "hara", "--ended")
    file.write_text("{")
    assert "--jwks" in await hashi("keys", "client-keys", made["client_id"], "--jwks", str(file), status=2)


async def test_another_issuers_token_is_its_subjects(
    call: Call, trusting: FastAPI, issuer: Issuer, store: Store
) -> None:
    now = (await store.clock.now()).timestamp()
    token = issuer.access_token(OURS, now)
    assert "nobody is bound" in (await me(call, trusting, token)).json()["detail"]
    bound = {"scopes": ["cases:read"], "issuer": issuer.address, "subject": "core"}
    made = await call("admin", trusting).post("/v1/people/okada/clients", json=bound)
    assert made.status_code == 201, made.text
    seen = (await me(call, trusting, token)).json()
    assert (seen["person"]["person_id"], seen["scopes"]) == ("okada", ["cases:read"])
    again = await call("admin", trusting).post("/v1/people/sato/clients", json=bound)
    assert (again.status_code, again.json()["code"]) == (409, "subject_taken")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://elsewhere.example"},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"sub": None},
        {"sub": "another"},
        {"nbf": 4102444800},
        {"cnf": {"jkt": "x"}},
    ],
    ids=str,
)
async def test_another_issuers_token_that_is_not_exactly_right_opens_nothing(
    call: Call, trusting: FastAPI, issuer: Issuer, store: Store, changes: dict[str, Any]
) -> None:
    await store.clients.register("okada", "core", ["cases:read"], vouched=(issuer.address, "core"))
    token = issuer.access_token(OURS, (await store.clock.now()).timestamp(), **changes)
    assert (await me(call, trusting, token)).status_code == 401


async def test_neither_an_id_token_nor_a_strange_signature_is_an_access_token(
    call: Call, trusting: FastAPI, issuer: Issuer, store: Store
) -> None:
    await store.clients.register("okada", "core", ["cases:read"], vouched=(issuer.address, "core"))
    now = int((await store.clock.now()).timestamp())
    claims = {"iss": issuer.address, "sub": "core", "aud": OURS, "exp": now + 60, "scope": "cases:read"}
    rsa = RSAKey.generate_key(2048, auto_kid=True)
    issuer.keys.append(rsa)
    stranger = ECKey.import_key({**ECKey.generate_key("P-256").as_dict(private=True), "kid": issuer.keys[0].kid})
    for token in (
        issuer.signed(claims, typ="JWT"),
        issuer.signed(claims, key=rsa, alg="RS256"),
        issuer.signed(claims, key=stranger),
    ):
        assert (await me(call, trusting, token)).status_code == 401
    assert (await me(call, trusting, issuer.signed(claims, key=rsa, alg="PS256"))).status_code == 200


async def test_an_issuer_rotates_its_keys_and_is_not_asked_each_time(
    call: Call, trusting: FastAPI, issuer: Issuer, store: Store
) -> None:
    await store.clients.register("okada", "core", ["cases:read"], vouched=(issuer.address, "core"))
    now = (await store.clock.now()).timestamp()
    for _ in range(3):
        assert (await me(call, trusting, issuer.access_token(OURS, now))).status_code == 200
    assert issuer.requests == 1
    issuer.keys.insert(0, ECKey.generate_key("P-256", auto_kid=True))
    assert (await me(call, trusting, issuer.access_token(OURS, now))).status_code == 200
    assert issuer.requests == 2


async def test_a_silent_issuer_is_an_outage_and_its_known_keys_go_on(
    call: Call, trusting: FastAPI, issuer: Issuer, store: Store
) -> None:
    await store.clients.register("okada", "core", ["cases:read"], vouched=(issuer.address, "core"))
    now, issuer.is_up = (await store.clock.now()).timestamp(), False
    silent = await me(call, trusting, issuer.access_token(OURS, now))
    assert (silent.status_code, silent.json()["code"]) == (503, "issuer_unreachable")
    issuer.is_up = True
    assert (await me(call, trusting, issuer.access_token(OURS, now))).status_code == 200
    issuer.is_up, known = False, issuer.access_token(OURS, now)
    assert (await me(call, trusting, known)).status_code == 200
