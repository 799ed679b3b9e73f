"""People sign in with a password and a code that counts once; guessing is slowed down, and nobody is kept out by it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pyotp
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs
from temporalio.client import Client

from domain.envelope import Person
from domain.terms import Role
from gateway.app import create_app
from gateway.cookies import CSRF, DEVICE, SESSION
from gateway.settings import GatewaySettings
from store.connect import Store
from store.pool import fetch

Call = Callable[..., Any]
OURS = "https://hashi.example"
PASSWORD = "correct horse battery"


@dataclass
class Browser:
    """Somebody's browser: it keeps cookies, as they say they are to be kept."""

    client: httpx.AsyncClient
    cookies: dict[str, str]
    csrf: str = ""

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        told = {"Origin": OURS, **({CSRF: self.csrf} if self.csrf else {}), **headers}
        told["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await self.client.request(method, path, json=body, headers=told)
        for line in answer.headers.get_list("set-cookie"):
            assert {"Path=/", "Secure", "HttpOnly", "SameSite=lax"} <= {part.strip() for part in line.split(";")}
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        if answer.status_code == 201:
            self.csrf = answer.json().get("csrf_token", "")
        return answer


@pytest.fixture
def own(store: Store, engine: Client) -> FastAPI:
    return create_app(store, engine, settings=GatewaySettings(issuer=OURS))


@pytest.fixture
async def browser(own: FastAPI) -> AsyncIterator[Callable[[], Browser]]:
    """Opens browsers."""
    transport = httpx.ASGITransport(own)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield lambda: Browser(client, {})


class Somebody:
    """A person with an account of their own."""

    def __init__(self, call: Call, store: Store, app: FastAPI, person_id: str) -> None:
        self.call, self.store, self.app, self.person_id = call, store, app, person_id
        self.totp, self.used = "", 0

    async def invitation(self, **body: Any) -> str:
        answer = await self.call("admin", self.app).post(f"/v1/people/{self.person_id}/invitations", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["invitation"])

    async def code(self, totp: str = "", *, later: int = 0) -> str:
        """A code that was not used yet: of the next step, if that of now was."""
        now = int((await self.store.clock.now()).timestamp()) // 30 + later
        self.used = max(now, self.used + 1) if not later else now
        return pyotp.TOTP(totp or self.totp).generate_otp(self.used)

    async def accept(self, browser: Browser, invitation: str, password: str = PASSWORD) -> httpx.Response:
        look = await browser.send("POST", "/v1/invitations/look", {"invitation": invitation})
        assert look.status_code == 200, look.text
        self.totp = look.json()["secret"]
        assert pyotp.parse_uri(look.json()["address"]).secret == self.totp
        body = {"invitation": invitation, "password": password, "code": await self.code()}
        return await browser.send("POST", "/v1/invitations/accept", body)

    async def sign_in(self, browser: Browser, password: str = PASSWORD, code: str = "") -> httpx.Response:
        body = {"person_id": self.person_id, "password": password, "code": code or await self.code()}
        return await browser.send("POST", "/v1/sessions", body)

    async def forget(self, steps: int = 2) -> None:
        """Let the steps of used codes pass, which takes half a minute each."""
        await fetch(self.store.pool, "UPDATE hashi.accounts SET last_step = last_step - %s", [steps])
        self.used -= steps


@pytest.fixture
async def somebody(call: Call, store: Store, own: FastAPI) -> Callable[..., Any]:
    """Makes people who were invited and accepted."""
    count = 0

    async def make(browser: Browser | None = None, role: Role = Role.coordinator) -> Somebody:
        nonlocal count
        count += 1
        person_id = f"guest-{count}-{id(own)}"
        await store.directory.register_person(Person(person_id=person_id, role=role, org_id="center", name="仮名"))
        one = Somebody(call, store, own, person_id)
        if browser is not None:
            assert (await one.accept(browser, await one.invitation())).status_code == 201
        return one

    return make


async def test_an_invited_person_signs_in_and_out(browser: Any, somebody: Any) -> None:
    mine = browser()
    one = await somebody(mine)
    assert (await mine.send("GET", "/v1/me")).json()["person"]["person_id"] == one.person_id
    current = (await mine.send("GET", "/v1/sessions/current")).json()
    assert (current["person_id"], current["csrf_token"]) == (one.person_id, mine.csrf)
    assert (await mine.send("DELETE", "/v1/sessions/current")).status_code == 204
    assert mine.cookies[SESSION] == '""'
    await one.forget()
    assert (await one.sign_in(mine)).status_code == 201


async def test_an_ended_session_opens_nothing(browser: Any, somebody: Any) -> None:
    mine = browser()
    await somebody(mine)
    word = mine.cookies[SESSION]
    await mine.send("DELETE", "/v1/sessions/current")
    mine.cookies[SESSION] = word
    assert (await mine.send("GET", "/v1/me")).status_code == 401


@pytest.mark.parametrize("column", ["last_used_at", "expires_at"])
async def test_a_session_ends_by_itself(browser: Any, somebody: Any, store: Store, column: str) -> None:
    mine = browser()
    await somebody(mine)
    await fetch(store.pool, f"UPDATE hashi.sessions SET {column} = {column} - interval '12 hours 1 second'".encode())
    assert (await mine.send("GET", "/v1/me")).status_code == 401


async def test_a_change_comes_from_our_own_page(browser: Any, somebody: Any) -> None:
    mine = browser()
    one = await somebody(mine)
    change = f"/v1/people/{one.person_id}/absences"
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {CSRF: "x"},
        {CSRF: ""},
        {"Origin": "", "Sec-Fetch-Site": "cross-site"},
    ):
        refused = await mine.send("PUT", change, {"absences": []}, **headers)
        assert (refused.status_code, refused.json()["code"]) in {(403, "cross_site"), (403, "not_permitted")}
        assert refused.json()["code"] == "cross_site", headers
    assert (await mine.send("PUT", "/v1/me/contact", {"notices": "daily"})).status_code == 200


async def test_another_site_signs_nobody_in(browser: Any, somebody: Any) -> None:
    mine = browser()
    one = await somebody(mine)
    await one.forget()
    body = {"person_id": one.person_id, "password": PASSWORD, "code": await one.code()}
    refused = await browser().send("POST", "/v1/sessions", body, Origin="https://evil.example")
    assert (refused.status_code, refused.json()["code"]) == (403, "cross_site")


async def test_a_code_counts_once_also_for_many_at_once(browser: Any, somebody: Any) -> None:
    mine = browser()
    one = await somebody(mine)
    await one.forget()
    code = await one.code()
    answers = await asyncio.gather(*(one.sign_in(browser(), code=code) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 401, 401, 401]


async def test_what_is_wrong_is_not_told(browser: Any, somebody: Any) -> None:
    mine = browser()
    one = await somebody(mine)
    await one.forget()
    wrong = [
        await one.sign_in(browser(), password="wrong horse battery"),
        await one.sign_in(browser(), code="000000" if await one.code() != "000000" else "111111"),
        await browser().send("POST", "/v1/sessions", {"person_id": "nobody", "password": "x", "code": "123456"}),
        await browser().send("POST", "/v1/sessions", {"person_id": "sato", "password": "x", "code": "123456"}),
    ]
    assert {answer.status_code for answer in wrong} == {401}
    assert len({answer.text for answer in wrong}) == 1


async def test_strangers_who_guess_wait_and_keep_nobody_out(browser: Any, somebody: Any, store: Store) -> None:
    mine = browser()
    one = await somebody(mine)
    await one.forget()
    await mine.send("DELETE", "/v1/sessions/current")
    guess = await one.sign_in(browser(), password="wrong horse battery", code="123456")
    assert guess.status_code == 401
    await fetch(store.pool, "UPDATE hashi.pauses SET until = until + interval '1 hour'")
    paused = await one.sign_in(browser())
    assert (paused.status_code, paused.json()["code"]) == (429, "sign_in_paused")
    assert int(paused.headers["retry-after"]) >= 1
    assert DEVICE in mine.cookies
    assert (await one.sign_in(mine)).status_code == 201


async def test_from_the_sixth_attempt_on_each_waits_longer(store: Store) -> None:
    waits, own = [], "FROM hashi.pauses WHERE name_hash = sha256('guessed')"
    left = "greatest(0, ceil(log(2, greatest(1, extract(epoch FROM until - hashi.now())::numeric))))::int"
    for _ in range(9):
        assert await store.pauses.attempt("guessed", "") == 0
        [(wait,)] = await fetch(store.pool, f"SELECT {left} {own}".encode())
        waits.append(wait)
        await fetch(store.pool, "UPDATE hashi.pauses SET until = hashi.now() WHERE name_hash = sha256('guessed')")
    assert waits[:5] == [0] * 5
    assert waits[6:] == sorted(waits[6:]) and waits[8] > 1


async def test_a_known_device_is_known_for_its_owner_only(browser: Any, somebody: Any, store: Store) -> None:
    mine, theirs = browser(), browser()
    one, other = await somebody(mine), await somebody(theirs)
    await one.sign_in(theirs, password="wrong horse battery", code="123456")
    await fetch(store.pool, "UPDATE hashi.pauses SET until = until + interval '1 hour'")
    assert (await one.sign_in(theirs)).status_code == 429
    await other.forget()
    assert (await other.sign_in(theirs)).status_code == 201


async def test_a_new_invitation_takes_the_place_of_the_old_and_then_ends_all_sessions(
    browser: Any, somebody: Any
) -> None:
    mine, phone = browser(), browser()
    one = await somebody(mine)
    first, second = await one.invitation(), await one.invitation()
    assert (await phone.send("POST", "/v1/invitations/look", {"invitation": first})).status_code == 404
    assert (await mine.send("GET", "/v1/me")).status_code == 200
    assert (await one.accept(phone, second, "another good password")).status_code == 201
    assert (await mine.send("GET", "/v1/me")).status_code == 401
    again = await phone.send("POST", "/v1/invitations/look", {"invitation": second})
    assert (again.status_code, again.json()["code"]) == (404, "unknown_invitation")
    await one.forget()
    assert (await one.sign_in(browser())).status_code == 401
    await one.forget()
    assert (await one.sign_in(browser(), "another good password")).status_code == 201


async def test_an_invitation_ends(browser: Any, somebody: Any, store: Store) -> None:
    one = await somebody()
    code = await one.invitation(hours=1)
    await fetch(store.pool, "UPDATE hashi.accounts SET invited_until = invited_until - interval '1 hour'")
    assert (await browser().send("POST", "/v1/invitations/look", {"invitation": code})).status_code == 404


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "仮名仮名", "x" * 129, "guest-1-is-my-password"])
async def test_a_weak_password_is_refused(browser: Any, somebody: Any, password: str) -> None:
    one = await somebody()
    told = password.replace("guest-1", one.person_id)
    answer = await one.accept(browser(), await one.invitation(), told)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/password")


async def test_nothing_secret_is_kept_or_logged(browser: Any, somebody: Any, store: Store) -> None:
    mine = browser()
    with capture_logs() as logged:
        one = await somebody(mine)
        await one.sign_in(browser(), password="wrong horse battery", code="123456")
    secrets = [PASSWORD, one.totp, mine.cookies[SESSION].partition(".")[2], "wrong horse battery"]
    kept = await fetch(
        store.pool, "SELECT a::text || s::text FROM hashi.accounts a JOIN hashi.sessions s USING (person_id)"
    )
    assert not [word for word in secrets if word in str(kept) or word in str(logged)]
    assert {"signed_in", "sign_in_failed", "person_invited", "invitation_accepted"} <= {one["event"] for one in logged}


async def test_one_sees_and_ends_ones_own_sessions_and_nobody_elses(browser: Any, somebody: Any, call: Call) -> None:
    mine, theirs = browser(), browser()
    one, other = await somebody(mine), await somebody(theirs)
    listed = (await mine.send("GET", "/v1/sessions")).json()["items"]
    assert [each["person_id"] for each in listed] == [one.person_id]
    assert (await mine.send("GET", f"/v1/sessions?person_id={other.person_id}")).status_code == 403
    foreign = theirs.cookies[SESSION].partition(".")[0]
    assert (await mine.send("DELETE", f"/v1/sessions/{foreign}")).status_code == 404
    admin = call("admin", one.app)
    found = (await admin.get(f"/v1/sessions?person_id={other.person_id}")).json()["items"]
    assert [each["session_id"] for each in found] == [foreign]
    assert (await admin.delete(f"/v1/sessions/{foreign}")).status_code == 204
    assert (await theirs.send("GET", "/v1/me")).status_code == 401


async def test_whoever_is_shut_out_comes_in_by_nothing(browser: Any, somebody: Any, call: Call, store: Store) -> None:
    mine = browser()
    one = await somebody(mine)
    key = await store.keys.issue(one.person_id, "laptop")
    assert (await call("admin", one.app).delete(f"/v1/people/{one.person_id}/access")).status_code == 204
    assert (await mine.send("GET", "/v1/me")).status_code == 401
    assert await store.keys.who(key) is None
    assert (await one.sign_in(browser())).status_code == 401
