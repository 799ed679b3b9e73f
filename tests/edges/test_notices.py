"""Notices reach people by mail, without content; a link in it answers one thing once, without an account."""

import re
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import FastAPI

from console import add_console
from domain.calendar import japanese_day
from domain.stages.intake import ReferNeed
from store.cases import Cases
from store.connect import Store
from store.notices import Contact, MailMode, adding
from store.pool import rows
from workers.mailer import MailServer, send_due
from workers.notifier import told_of

pytestmark = pytest.mark.usefixtures("worker")
Call = Callable[..., Any]
SECRET = ReferNeed.example["description"]


class Postbox:
    """A mail server's end: keeps what it takes, and says no when told to."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.no: str | None = None

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.no:
            return self.no
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        mail = message_from_bytes(envelope.content or b"", policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 taken"


@pytest.fixture
def postbox() -> Iterator[tuple[Postbox, MailServer]]:
    """A real SMTP server in this process, and how it is reached."""
    box = Postbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, MailServer.at(f"smtp://127.0.0.1:{port}", "hashi@center.example", "https://hashi.example")
    controller.stop()


@pytest.fixture
async def follow(store: Store) -> Callable[..., Any]:
    """Tells people of everything that happened in a case, as the relay does."""

    async def tell(case: str) -> None:
        happened = await store.ledger.read(f"case-{case}")
        told = await told_of(store, Cases(store.ledger), happened)
        await rows(store.pool, adding(told))
        await rows(store.pool, adding(told))  # twice is once

    return tell


@pytest.fixture
async def page(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without an account, in a browser."""
    if not any(getattr(one, "path", "") == "/answers/{word}" for one in app.routes):
        add_console(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://hashi.example") as client:
        yield client


@pytest.fixture
async def asked(offered: str, follow: Call, store: Store, postbox: tuple[Postbox, MailServer]) -> tuple[str, str]:
    """A case with an offer that was mailed, and the place its link leads to."""
    box, server = postbox
    await quiet(store)
    await follow(offered)
    await send_due(server, store)
    return offered, link(box.mails[0])


@pytest.fixture
async def offered(call: Call, store: Store) -> str:
    """A case with an offer to hara, who has an address."""
    await store.notices.set_contact("hara", Contact("hara@kyudai.example"))
    case = str(await call("sato").refer(company=None, company_id="ariake"))
    tanaka = call("tanaka")
    await call("mori").do(case, "AssignCoordinator", {"data": {"coordinator_id": "tanaka"}})
    for name, data in (
        ("StartReview", {}),
        ("RecordComplianceCheck", {"kind": "antisocial", "result": "passed"}),
        ("RecordComplianceCheck", {"kind": "export_control", "result": "passed"}),
        ("TriageNeed", {"route": "joint_research"}),
        ("OpenSearch", {"scope": "regional"}),
        ("ShortlistResearchers", {"candidates": [{"researcher_id": "hara", "reasons": ["分野"]}]}),
        ("OfferAssignment", {"researcher_id": "hara", "institution_id": "kyudai", "disclosed_fields": ["title"]}),
    ):
        answer = await tanaka.do(case, name, {"data": data})
        assert answer.status_code == 200, answer.text
    return case


async def quiet(store: Store) -> None:
    """Nothing of earlier tests is left to send."""
    statement = "UPDATE hashi.notices SET due_at = NULL WHERE sent_at IS NULL"
    async with store.pool.connection() as connection:
        await connection.execute(statement)


def link(mail: EmailMessage) -> str:
    return re.findall(r"https://hashi\.example(/\S+)", mail.get_content())[0]


async def test_a_mail_holds_a_kind_an_id_and_a_link_and_no_content(
    offered: str, follow: Call, store: Store, postbox: tuple[Postbox, MailServer]
) -> None:
    box, server = postbox
    await quiet(store)
    await follow(offered)
    assert await send_due(server, store) == 1
    [mail] = box.mails
    text = f"{mail}{mail.get_content()}"
    assert (mail["To"], offered in text) == ("hara@kyudai.example", True)
    assert "May we" not in text
    for content in (ReferNeed.example["title"], SECRET, "ariake", "jfs", "hara-name"):
        assert content not in text
    assert await send_due(server, store) == 0


async def test_a_link_shows_what_was_disclosed_and_accepts_once(
    asked: tuple[str, str], store: Store, page: httpx.AsyncClient, call: Call
) -> None:
    offered, where = asked
    shown = await page.get(where)
    assert shown.status_code == 200
    assert ReferNeed.example["title"] in shown.text and SECRET not in shown.text
    assert "script" not in shown.headers["content-security-policy"]
    assert len((await call("noda").get(f"/v1/cases/{offered}/events?limit=200")).json()["items"]) == 11
    done = await page.post(where, data={"command": "AcceptAssignment"})
    assert (done.status_code, "受け付けました" in done.text) == (200, True)
    again = await page.post(where, data={"command": "DeclineAssignment", "reason": "no_capacity"})
    assert "回答済み" in again.text
    told = (await call("noda").get(f"/v1/cases/{offered}/events?limit=200")).json()["items"]
    assert [one["type"].split(".")[3] for one in told[11:]] == ["assignment_accepted"]
    [event] = [one for one in await store.ledger.read(f"case-{offered}") if one.type == "AssignmentAccepted"]
    assert event.actor.person == "hara"


async def test_saying_no_by_link_wants_a_reason_and_tells_what_is_wrong(
    asked: tuple[str, str], store: Store, page: httpx.AsyncClient
) -> None:
    offered, where = asked
    wrong = await page.post(where, data={"command": "DeclineAssignment", "reason": "moody", "text": "<b>忙しい</b>"})
    assert (wrong.status_code, 'role="alert"' in wrong.text) == (422, True)
    assert "&lt;b&gt;忙しい" in wrong.text, "what was typed is kept, and escaped"
    assert (await page.post(where, data={"command": "CloseCase"})).status_code == 422
    done = await page.post(where + "?lang=en", data={"command": "DeclineAssignment", "reason": "no_capacity"})
    assert "Thank you" in done.text
    [event] = [one for one in await store.ledger.read(f"case-{offered}") if one.type == "AssignmentDeclined"]
    assert event.reason is not None and event.reason.code == "no_capacity"


async def test_a_link_that_was_never_sent_leads_nowhere(page: httpx.AsyncClient) -> None:
    for word in ("x", "a" * 43, "%00", "あ"):
        assert (await page.get(f"/answers/{word}")).status_code == 404
        assert (await page.post(f"/answers/{word}", data={"command": "AcceptAssignment"})).status_code == 404


async def test_a_bounce_is_kept_with_its_words_and_shown_to_the_center(
    offered: str, follow: Call, store: Store, postbox: tuple[Postbox, MailServer], call: Call
) -> None:
    box, server = postbox
    await quiet(store)
    await follow(offered)
    box.no = "451 try again later"
    assert await send_due(server, store) == 0
    box.no = "550 5.1.1 no such user"
    async with store.pool.connection() as connection:
        await connection.execute("UPDATE hashi.notices SET due_at = hashi.now() WHERE failure IS NOT NULL")
    assert await send_due(server, store) == 0
    box.no = None
    assert await send_due(server, store) == 0, "what is refused for good is not sent again"
    shown = (await call("tanaka").get("/v1/notices/undelivered")).json()["items"]
    mine = [one for one in shown if one["case_id"] == offered]
    assert [(one["person_id"], one["failure"]) for one in mine] == [("hara", "550 5.1.1 no such user")]
    walked, after = [], ""
    while after is not None:
        page = (await call("tanaka").get(f"/v1/notices/undelivered?limit=1{after and f'&after={after}'}")).json()
        walked += page["items"]
        after = page["next"]
    assert walked == shown
    assert (await call("hara").get("/v1/notices/undelivered")).status_code == 403


async def test_a_mail_server_that_is_away_loses_nothing(
    offered: str, follow: Call, store: Store, postbox: tuple[Postbox, MailServer]
) -> None:
    box, server = postbox
    await quiet(store)
    await follow(offered)
    away = MailServer.at("smtp://127.0.0.1:9", "hashi@center.example", "https://hashi.example")
    assert await send_due(away, store) == 0
    async with store.pool.connection() as connection:
        await connection.execute("UPDATE hashi.notices SET due_at = hashi.now() WHERE failure IS NOT NULL")
    assert await send_due(server, store) == 1
    assert len(box.mails) == 1


async def test_a_daily_digest_is_one_mail_in_the_morning(
    call: Call, follow: Call, store: Store, postbox: tuple[Postbox, MailServer]
) -> None:
    box, server = postbox
    await quiet(store)
    await store.notices.set_contact("mori", Contact("mori@center.example", MailMode.daily))
    cases = [await call("sato").refer() for _ in range(2)]
    for case in cases:
        await follow(case)
    assert await send_due(server, store) == 0
    async with store.pool.connection() as connection:
        await connection.execute("UPDATE hashi.notices SET due_at = hashi.now() WHERE person_id = 'mori'")
    assert await send_due(server, store) == 1
    [mail] = [one for one in box.mails if one["To"] == "mori@center.example"]
    assert all(case in mail.get_content() for case in cases)


async def test_everybody_reads_their_own_notices(offered: str, follow: Call, call: Call) -> None:
    await follow(offered)
    mine = (await call("hara").get("/v1/notices?limit=200")).json()["items"]
    assert [one["kind"] for one in mine if one["case_id"] == offered] == ["offer"]
    assert not [one for one in (await call("okada").get("/v1/notices")).json()["items"] if one["case_id"] == offered]
    first = (await call("hara").get("/v1/notices?limit=1")).json()
    if first["next"]:
        second = (await call("hara").get(f"/v1/notices?limit=1&after={first['next']}")).json()
        assert second["items"] != first["items"]


async def test_people_say_how_they_want_to_be_reached(call: Call, store: Store) -> None:
    answer = await call("ueda").put("/v1/me/contact", json={"email": "ueda@ariake.example", "notices": "daily"})
    assert answer.status_code == 200, answer.text
    assert await store.notices.contact("ueda") == Contact("ueda@ariake.example", MailMode.daily)
    for email in ("ueda", "a b@x.example", "x@y", "a@b.example\r\nBcc: c@d.example", "あ@b.example"):
        wrong = await call("ueda").put("/v1/me/contact", json={"email": email})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_field"), email


async def test_whoever_stands_in_for_somebody_away_is_told_too_without_the_link(
    offered: str, follow: Call, call: Call, store: Store
) -> None:
    today = japanese_day(await store.clock.now())
    away = {"absences": [{"starts_on": today.isoformat(), "ends_on": today.isoformat(), "substitute_id": "hoshi"}]}
    assert (await call("hara").put("/v1/people/hara/absences", json=away)).status_code == 200
    await follow(offered)
    for person, answers in (("hara", 2), ("hoshi", 0)):
        [one] = [one for one in await store.notices.of_person(person, after=None, limit=200) if one.case_id == offered]
        assert (one.kind, len(one.answers)) == ("offer", answers)
    assert (await call("hara").put("/v1/people/hara/absences", json={"absences": []})).status_code == 200


@pytest.mark.parametrize(
    ("absence", "place"),
    [
        ({"starts_on": "2026-12-25", "ends_on": "2026-12-24"}, "/absences/0/ends_on"),
        ({"starts_on": "2026-12-24", "ends_on": "2026-12-25", "substitute_id": "sato"}, "/absences/0/substitute_id"),
        ({"starts_on": "2026-12-24", "ends_on": "2026-12-25", "substitute_id": "hara"}, "/absences/0/substitute_id"),
        ({"starts_on": "soon", "ends_on": "2026-12-25"}, "/absences/0/starts_on"),
    ],
)
async def test_an_absence_that_cannot_be_names_its_field(call: Call, absence: dict[str, str], place: str) -> None:
    wrong = await call("hara").put("/v1/people/hara/absences", json={"absences": [absence]})
    assert (wrong.status_code, wrong.json()["pointer"]) == (422, place)


async def test_absences_are_said_by_oneself_or_a_senior(call: Call) -> None:
    nothing: dict[str, list[str]] = {"absences": []}
    assert (await call("sato").put("/v1/people/hara/absences", json=nothing)).status_code == 403
    assert (await call("sato").get("/v1/people/hara/absences")).status_code == 403
    assert (await call("mori").put("/v1/people/hara/absences", json=nothing)).status_code == 200
    assert (await call("mori").put("/v1/people/nobody/absences", json=nothing)).status_code == 404


async def test_the_workload_counts_each_coordinators_cases(call: Call) -> None:
    case = await call("sato").refer()
    await call("mori").do(case, "AssignCoordinator", {"data": {"coordinator_id": "tanaka"}})
    told = {one["person_id"]: one for one in (await call("mori").get("/v1/workload")).json()["items"]}
    assert told["tanaka"]["open_cases"] >= 1 and told["mori"]["open_cases"] == 0
    assert (await call("sato").get("/v1/workload")).status_code == 403
