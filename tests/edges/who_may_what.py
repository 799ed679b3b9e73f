"""Every operation of the interface asked for by everybody, over real HTTP, and the answers as a table.

A command is sent with a time of the future: whoever may give it is refused for that, and nothing happens.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "rules"), str(ROOT / "tests" / "ledger")]

from ledger_cases import append_all, entries  # noqa: E402
from rules_story import NEED, ORGS, PEOPLE, Story  # noqa: E402
from stage_table import CASES  # noqa: E402

from domain.streams import CASE  # noqa: E402
from domain.terms import Role, Stage  # noqa: E402
from gateway.commands import STREAMS  # noqa: E402
from store.connect import Store  # noqa: E402

PAPER: Final = ROOT / "docs" / "who-may-what.md"
INSIDE: Final = {
    Role.bank_officer: "sato",
    Role.company_representative: "arita",
    Role.coordinator: "tanaka",
    Role.senior_coordinator: "mori",
    Role.researcher: "hayashi",
    Role.university_liaison: "ueno",
    Role.tlo_officer: "toda",
    Role.expert: "hori",
    Role.lender_officer: "kashi",
    Role.auditor: "kato",
    Role.data_steward: "doi",
    Role.strategy_analyst: "seki",
    Role.administrator: "admin",
}
"""Somebody of each role who has to do with the case, where the role can have."""
OUTSIDE: Final = {
    "another bank": "ide",
    "another company": "genda",
    "another researcher": "ito",
    "another university": "sapporo-desk",
}
COLUMNS: Final = {"nobody": None, **{role.value.replace("_", " "): who for role, who in INSIDE.items()}, **OUTSIDE}
FUTURE: Final = "2999-01-01T00:00:00Z"
_HIDDEN: Final = frozenset({"unknown_case", "unknown_document", "unknown_entry", "unknown_key", "unknown_session"})
_ABOUT: Final = """# Who may ask for what / 誰が何をできるか

Each operation of `openapi.json` was asked for over HTTP by somebody of each role; a test compares the answers with this
table, and a new operation without a row fails it.
The case is one in technology transfer, on which every role that can be part of a case has worked; `another bank` and so
on have nothing to do with it.
✓ is let through (the rules of the case may still refuse it), 401 asks who it is, 403 is not for this role, 404 does not
exist for them: neither is anything told.
Commands that open something (`ReferNeed`, `RegisterSeed` …) have no case to be strange to.

各操作を、役割ごとに実際の HTTP で試した結果です。✓ は許可(案件の規則で断られることはあります)、401 は認証が必要、
403 はその役割には不可、404 はその人には存在しないことを表します。
`another bank` などは、この案件に関わりのない人です。表にない操作が増えると、テストが失敗します。

"""


@dataclass(frozen=True)
class Asked:
    """One operation, with an address that means the one case or entry there is."""

    name: str
    method: str
    address: str
    body: Any
    scope: str | None
    """What a key needs to be for; empty: anything valid; None: nobody is asked."""


class Heard(NamedTuple):
    """An answer."""

    status: int
    text: str

    @property
    def code(self) -> str:
        """What a problem is called."""
        return str(json.loads(self.text).get("code", "")) if self.text else ""


async def furnish(store: Store) -> dict[str, str]:
    """A case on which every role worked, one of another bank, and an entry of each kind; the ids of what there is."""
    for organization in ORGS.values():
        await store.directory.register_organization(organization)
    for person in PEOPLE.values():
        if person.role is not Role.system:
            await store.directory.register_person(person)
    story = CASES[Stage.transfer]()
    consulted = {"expert_kind": "lawyer", "expert_id": "hori", "question": "?"}
    story.must("tanaka", "ConsultSpecialist", consulted)
    other = Story(case_id="c2").must("ide", "ReferNeed", {**NEED, "bank_reference": "S-1"})
    kinds = entries()
    await append_all(store, [story.events, other.events, *kinds])
    known = dict(events[0].stream.split("-entry-") for events in kinds)
    return {
        "case_id": "c1",
        "event_id": story.events[0].event_id,
        "person_id": "sato",
        "org_id": "jfs-fukuoka",
        "name": "TriageNeed",
        "version": "v1",
        "dossier_id": f"entry-{known.get('dossier')}",
        **{f"entry:{kind}": f"entry-{entry}" for kind, entry in known.items()},
    }


def operations(description: Mapping[str, Any], known: Mapping[str, str]) -> list[Asked]:
    """What *description*, an OpenAPI, offers, addressed to what is *known*."""
    found = []
    for path, methods in description["paths"].items():
        for method, one in methods.items():
            kind = path.split("/")[2] if path.startswith("/v1/") and "/commands/" in path else ""
            ids = defaultdict(lambda: "x", known, entry_id=known.get(f"entry:{STREAMS.get(kind, CASE)}", "x"))
            needed = next(iter(one["security"]), None)
            if path.endswith("/access"):
                ids["person_id"] = "noda"  # who is asked for nothing else: it is taken from them
            found.append(
                Asked(
                    name=f"{method.upper()} {path}",
                    method=method,
                    address=path.format_map(ids) + _query(one),
                    body=_body(one, path),
                    scope=None if needed is None else "".join(needed["key"]),
                )
            )
    return found


def _query(operation: Mapping[str, Any]) -> str:
    wanted = [one for one in operation.get("parameters", ()) if one.get("in") == "query" and one.get("required")]
    return "?" + "&".join(f"{one['name']}=1" for one in wanted) if wanted else ""


def _body(operation: Mapping[str, Any], path: str) -> Any:
    if "requestBody" not in operation:
        return None
    content = operation["requestBody"]["content"].get("application/json", {})
    if "example" not in content:
        return {"?": 0}
    data = {name: value for name, value in content["example"]["data"].items() if f"{{{name}}}" not in path}
    return {"data": data, "occurred_at": FUTURE}


class Line:
    """One connection to a gateway, over which one person asks; plain, since thousands of questions are asked."""

    def __init__(self, address: str, key: str | None) -> None:
        self._connection = HTTPConnection(address, timeout=60)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def ask(self, one: Asked) -> Heard:
        """The answer to *one*."""
        body = None if one.body is None else json.dumps(one.body).encode()
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        self._connection.request(one.method.upper(), one.address, body, headers)
        response = self._connection.getresponse()
        return Heard(response.status, response.read().decode(errors="replace"))

    def ask_all(self, asked: Iterable[Asked]) -> list[Heard]:
        """The answers to all of *asked*, in order."""
        with closing(self._connection):
            return [self.ask(one) for one in asked]


def sign(one: Asked, heard: Heard) -> str:
    """How the table shows the answer *heard* to *one*."""
    assert heard.status < 500, f"{one.name}: {heard.text}"
    if heard.status == 404:
        return "404" if heard.code in _HIDDEN else "✓"
    return str(heard.status) if heard.status in {401, 403} else "✓"


def table(rows: Iterable[tuple[str, list[str]]]) -> str:
    """The paper."""
    lines = [f"| operation | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in sorted(rows)]
    return _ABOUT + "\n".join(lines) + "\n"
