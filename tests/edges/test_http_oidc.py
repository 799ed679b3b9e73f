"""People sign in at an identity provider: real HTTP, real keys; only the subject an administrator bound is somebody."""

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from joserfc.jwk import ECKey, RSAKey
from temporalio.client import Client

sys.path.append(str(Path(__file__).parent))

from issuer import Issuer, serving

import gateway.keysets
from gateway.app import create_app
from gateway.cookies import SESSION
from gateway.settings import GatewaySettings, Provider
from store.connect import Store

Call = Callable[..., Any]
OURS = "https://hashi.example"
BEGIN, BACK = "/v1/sign-in/oidc", "/v1/sign-in/oidc/callback"


@pytest.fixture
async def issuer(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Issuer]:
    """An identity provider; its keys may be asked for again at once."""
    monkeypatch.setattr(gateway.keysets, "PAUSE", 0.0)
    async with serving(Issuer()) as one:
        yield one


@pytest.fixture
def own(store: Store, engine: Client, issuer: Issuer) -> FastAPI:
    """A gateway whose people sign in there."""
    provider = Provider(issuer.address, "hashi", issuer.secret)
    return create_app(store, engine, settings=GatewaySettings(issuer=OURS, provider=provider))


@pytest.fixture
async def browser(own: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody's browser at the gateway; cookies are handed on by hand, since TLS is not spoken here."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(own), base_url="http://gateway") as client:
        yield client


def cookies(answer: httpx.Response) -> dict[str, str]:
    pairs = (line.partition(";")[0].partition("=") for line in answer.headers.get_list("set-cookie"))
    return {name: value for name, _, value in pairs}


async def returned(browser: httpx.AsyncClient, return_to: str = "/cases", **changes: str) -> httpx.Response:
    """What the browser is answered when it comes back from the provider, with *changes* to what it brings."""
    begun = await browser.get(BEGIN, params={"return_to": return_to})
    assert begun.status_code == 302, begun.text
    async with httpx.AsyncClient() as outside:
        there = await outside.get(begun.headers["location"])
    brought = {name: one[0] for name, one in parse_qs(urlsplit(there.headers["location"]).query).items()}
    kept = "; ".join(f"{name}={value}" for name, value in cookies(begun).items())
    return await browser.get(BACK, params={**brought, **changes}, headers={"Cookie": kept})


async def bind(call: Call, own: FastAPI, issuer: Issuer, person: str, subject: str = "u-1") -> httpx.Response:
    body = {"identities": [{"issuer": issuer.address, "subject": subject}]}
    return await call("admin", own).put(f"/v1/people/{person}/identities", json=body)  # type: ignore[no-any-return]


async def test_a_bound_subject_is_somebody_here(
    call: Call, own: FastAPI, issuer: Issuer, browser: httpx.AsyncClient
) -> None:
    stranger = await returned(browser)
    assert (stranger.status_code, stranger.json()["code"]) == (403, "not_bound")
    assert stranger.json()["facts"] == {"issuer": issuer.address, "subject": "u-1"}
    assert (await bind(call, own, issuer, "tanaka")).status_code == 200
    answer = await returned(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases")
    word = cookies(answer)[SESSION]
    me = await browser.get("/v1/me", headers={"Cookie": f"{SESSION}={word}"})
    assert me.json()["person"]["person_id"] == "tanaka"
    taken = await bind(call, own, issuer, "mori")
    assert (taken.status_code, taken.json()["code"]) == (409, "subject_taken")
    assert (await call("admin", own).put("/v1/people/tanaka/identities", json={})).json()["items"] == []
    assert (await returned(browser)).json()["code"] == "not_bound"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": ["hashi", "another"]},
        {"aud": ["hashi", "another"], "azp": "another"},
        {"azp": "another"},
        {"iss": "https://elsewhere.example"},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
    ],
    ids=str,
)
async def test_an_id_token_that_is_not_exactly_right_is_nobodys(
    issuer: Issuer, browser: httpx.AsyncClient, claims: dict[str, Any]
) -> None:
    issuer.claims = claims
    answer = await returned(browser)
    assert answer.status_code in {401, 403} and SESSION not in cookies(answer)
    assert answer.json()["code"] == "sign_in_failed" or claims == {"sub": None}


@pytest.mark.parametrize(
    "changes", [{"state": "x"}, {"state": ""}, {"code": "x"}, {"iss": "https://elsewhere.example"}, {"error": "denied"}]
)
async def test_what_comes_back_belongs_to_what_was_begun(browser: httpx.AsyncClient, changes: dict[str, str]) -> None:
    answer = await returned(browser, **changes)
    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_failed")


async def test_a_code_without_its_browser_is_of_no_use(browser: httpx.AsyncClient) -> None:
    for cookie in ("", "__Host-hashi-oidc=x", "__Host-hashi-oidc=AAAA"):
        answer = await browser.get(BACK, params={"code": "code-0", "state": "x"}, headers={"Cookie": cookie})
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_failed")


async def test_the_providers_rsa_key_will_do_and_a_strange_one_will_not(
    call: Call, own: FastAPI, issuer: Issuer, browser: httpx.AsyncClient
) -> None:
    await bind(call, own, issuer, "tanaka")
    signed = issuer.signed
    rsa = RSAKey.generate_key(2048, auto_kid=True)
    issuer.keys.append(rsa)
    issuer.signed = lambda claims, **_: signed(claims, key=rsa, alg="RS256", typ="JWT")  # type: ignore[method-assign]
    assert (await returned(browser)).status_code == 303
    stranger = ECKey.generate_key("P-256", auto_kid=True)
    issuer.signed = lambda claims, **_: signed(claims, key=stranger)  # type: ignore[method-assign]
    assert (await returned(browser)).json()["code"] == "sign_in_failed"


@pytest.mark.parametrize(
    "path", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x", "/\r\nx"]
)
async def test_nobody_is_led_elsewhere(
    call: Call, own: FastAPI, issuer: Issuer, browser: httpx.AsyncClient, path: str
) -> None:
    await bind(call, own, issuer, "tanaka")
    assert (await returned(browser, path)).headers["location"] == "/"


async def test_a_silent_provider_is_an_outage(issuer: Issuer, browser: httpx.AsyncClient) -> None:
    issuer.is_up = False
    answer = await browser.get(BEGIN)
    assert (answer.status_code, answer.json()["code"]) == (503, "issuer_unreachable")


async def test_without_a_provider_there_is_no_such_address(call: Call) -> None:
    assert (await call("sato").get(BEGIN)).status_code == 404
