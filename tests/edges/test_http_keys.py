"""Keys are for what they say, end at once when they are revoked, and say what to do when they no longer open."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.app import create_app
from gateway.scopes import NEEDED
from workers.cli import run

Call = Callable[..., Any]


async def issue(call: Call, person: str = "ito", **body: Any) -> dict[str, Any]:
    """A new key of *person*, as the administrator is told of it."""
    answer = await call("admin").post(f"/v1/people/{person}/keys", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def bearing(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def test_a_narrow_key_does_what_it_is_for_and_nothing_else(call: Call) -> None:
    key = (await issue(call, scopes=["cases:read"]))["key"]
    assert (await call("sato").get("/v1/cases", headers=bearing(key))).status_code == 200
    refused = await call("sato").post("/v1/needs", json={}, headers=bearing(key))
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert refused.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="needs:write"'
    assert "needs:write" in refused.json()["detail"]


async def test_everybody_learns_what_their_key_is_for(call: Call) -> None:
    key = (await issue(call, scopes=["needs:write", "cases:read"]))["key"]
    assert (await call("sato").get("/v1/me", headers=bearing(key))).json()["scopes"] == ["cases:read", "needs:write"]


async def test_a_revoked_key_opens_no_gateway(call: Call, store: Any, engine: Any) -> None:
    made, other = await issue(call), create_app(store, engine)
    for to in (other, None):
        voice = call("sato", to) if to else call("sato")
        assert (await voice.get("/v1/me", headers=bearing(made["key"]))).status_code == 200
    assert (await call("admin").delete(f"/v1/keys/{made['key_id']}")).status_code == 204
    refused = await call("sato", other).get("/v1/me", headers=bearing(made["key"]))
    assert refused.status_code == 401
    assert "administrator" in refused.json()["detail"]


async def test_one_sees_and_ends_ones_own_keys_and_nobody_elses(call: Call, keys: dict[str, str]) -> None:
    own, theirs = await issue(call, "sato", label="mine"), keys["okada"].split("_")[1]
    listed = (await call("sato").get("/v1/keys")).json()["items"]
    assert {one["person_id"] for one in listed} == {"sato"}
    assert "mine" in {one["label"] for one in listed}
    assert not any("secret" in name or name == "key" for one in listed for name in one)
    assert (await call("sato").get("/v1/keys?person_id=okada")).status_code == 403
    assert (await call("sato").delete(f"/v1/keys/{theirs}")).json()["code"] == "unknown_key"
    assert (await call("sato").delete(f"/v1/keys/{own['key_id']}")).status_code == 204
    assert (await call("okada").get("/v1/me")).status_code == 200


async def test_the_last_use_is_told(call: Call) -> None:
    made = await issue(call, label="used")
    assert "last_used_at" not in made
    await call("sato").get("/v1/me", headers=bearing(made["key"]))
    found = (await call("admin").get("/v1/keys?person_id=ito")).json()["items"]
    assert next(one for one in found if one["key_id"] == made["key_id"])["last_used_at"]


async def test_rotation_leaves_two_and_says_which_one_to_end(call: Call) -> None:
    old = await issue(call, scopes=["cases:read"], label="core")
    admin = call("admin")
    new = (await admin.post(f"/v1/keys/{old['key_id']}/rotate", json={})).json()
    assert (new["scopes"], new["label"], new["replaces"]) == (["cases:read"], "core", old["key_id"])
    again = await admin.post(f"/v1/keys/{new['key_id']}/rotate", json={"overlap": 0})
    assert (again.status_code, again.json()["code"]) == (409, "already_rotated")
    assert old["key_id"] in again.json()["detail"]
    for one in (old, new):
        assert (await call("sato").get("/v1/me", headers=bearing(one["key"]))).status_code == 200
    unknown = await admin.post("/v1/keys/nothing/rotate", json={})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_key")


@pytest.mark.parametrize(
    ("body", "at"), [({"scopes": []}, "/scopes"), ({"scopes": ["everything"]}, "/scopes/0"), ({"label": ""}, "/label")]
)
async def test_a_key_is_asked_for_in_full(call: Call, body: dict[str, Any], at: str) -> None:
    answer = await call("admin").post("/v1/people/ito/keys", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, at)


async def test_people_and_organizations_are_listed_page_by_page(call: Call) -> None:
    found, after = [], ""
    while after is not None:
        page = (await call("admin").get(f"/v1/people?limit=5&after={after}")).json()
        found += [one["person_id"] for one in page["items"]]
        after = page["next"]
    assert found == sorted(set(found)) and {"sato", "admin", "hara"} <= set(found)
    banks = (await call("admin").get("/v1/people?org_id=other-bank")).json()["items"]
    assert [one["person_id"] for one in banks] == ["okada"]
    assert "jfs" in {one["org_id"] for one in (await call("admin").get("/v1/organizations")).json()["items"]}
    for path in ("people", "organizations"):
        assert (await call("mori").get(f"/v1/{path}")).json()["code"] == "not_permitted"


async def test_a_route_without_an_entry_is_closed_to_everybody(store: Any, engine: Any, call: Call) -> None:
    app = create_app(store, engine)

    @app.get("/v1/forgotten")
    async def forgotten() -> str:
        return "secret"

    assert (await call("admin", app).get("/v1/forgotten")).json()["code"] == "insufficient_scope"
    assert (await call("admin", app).get("/v1/forgotten", headers={"Authorization": ""})).status_code == 401


async def test_the_openapi_tells_what_each_operation_needs(call: Call) -> None:
    paths = (await call("sato").get("/v1/openapi.json")).json()["paths"]
    assert paths["/v1/needs"]["post"]["security"][0] == {"key": ["needs:write"]}
    assert paths["/v1/cases/{case_id}/commands/TriageNeed"]["post"]["security"][0] == {"key": ["cases:write"]}
    assert paths["/v1/me"]["get"]["security"] == [{"key": []}, {"session": []}, {"oauth": []}]
    assert paths["/livez"]["get"]["security"] == []
    told = {f"{method.upper()} {path}" for path, one in paths.items() for method in one if method != "parameters"}
    assert {one for one in told if "/commands/" not in one or "schemas" in one} <= NEEDED.keys()


async def test_the_command_line_makes_lists_rotates_and_revokes(
    call: Call, address: str, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HASHI_URL", address)
    monkeypatch.setenv("HASHI_API_KEY", keys["admin"])

    async def hashi(*words: str, status: int = 0) -> Any:
        with capture_logs():
            assert await asyncio.to_thread(run, [*words, "--json"]) == status
        shown = capsys.readouterr()
        return [json.loads(line) for line in shown.out.splitlines()] if "list" in words else shown.out or shown.err

    made = json.loads(await hashi("keys", "create", "hara", "--scope", "cases:read", "--label", "line"))
    assert (made["status"], made["scopes"]) == ("live", ["cases:read"]) and made["expires_at"]
    assert made["key_id"] in {one["key_id"] for one in await hashi("keys", "list", "hara")}
    newer = json.loads(await hashi("keys", "rotate", made["key_id"], "--overlap-days", "0"))
    assert newer["replaces"] == made["key_id"]
    await hashi("keys", "revoke", newer["key_id"])
    assert newer["key_id"] not in {one["key_id"] for one in await hashi("keys", "list", "hara")}
    assert {one["status"] for one in await hashi("keys", "list", "hara", "--ended")} >= {"revoked", "expired"}
    assert "unknown_key" in await hashi("keys", "rotate", newer["key_id"], status=2)
    assert {"hara", "sato"} <= {one["person_id"] for one in await hashi("people", "list")}
    assert await asyncio.to_thread(run, ["keys", "list"]) == 0
    assert "Last used" in capsys.readouterr().out
