"""Mail about notices: a kind, an id and a link, never content; over SMTP, again until it is taken or cannot be.

What a server refuses for good is kept with its words and shown (`hashi notices list --undelivered`); what comes back
later as a bounce goes to the mailbox of the sender's address.
"""

import asyncio
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final
from urllib.parse import unquote, urlsplit

import structlog

from domain.notices import ELSEWHERE, NoticeKind
from domain.reasons import Wording
from store.connect import Store, StoreUnreachable
from store.notices import Kept, Letter

AGAIN: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
    timedelta(hours=24),
    timedelta(hours=36),
)
"""Waits between attempts, some three days in all."""
_PERIOD: Final = 2.0
_TIMEOUT: Final = 20.0
_PERMANENT: Final = 500

_OF_THE_SERVER: Final = (smtplib.SMTPAuthenticationError, smtplib.SMTPConnectError, smtplib.SMTPHeloError)
"""Faults that say nothing of the person mail is for."""

log = structlog.get_logger("mailer")

KINDS: Final = {
    NoticeKind.new_need: Wording("新しいニーズ", "a new need"),
    NoticeKind.case_assigned: Wording("担当の割当て", "a case assigned"),
    NoticeKind.question: Wording("問合せ", "a question to you"),
    NoticeKind.answer: Wording("回答の到着", "an answer has come"),
    NoticeKind.offer: Wording("研究者へのご相談", "a request to you"),
    NoticeKind.offer_answered: Wording("ご相談への回答", "a request was answered"),
    NoticeKind.decision: Wording("決定の確認待ち", "a decision to confirm"),
    NoticeKind.visit: Wording("企業訪問", "a visit"),
    NoticeKind.report: Wording("訪問報告書の確認", "a visit report"),
    NoticeKind.agreement: Wording("契約案", "a draft agreement"),
    NoticeKind.cancellation: Wording("取消しの申出", "a request to cancel"),
    NoticeKind.consent: Wording("同意の変更", "a change of consent"),
    NoticeKind.case_closed: Wording("案件の終了", "a case closed"),
    NoticeKind.reminder: Wording("期限のお知らせ", "a reminder"),
    NoticeKind.dossier: Wording("技術評価補完資料", "an evidence dossier"),
    NoticeKind.feed_suspended: Wording("配信の停止", "deliveries have stopped"),
    NoticeKind.feed_recovered: Wording("配信の再開", "deliveries have recovered"),
    NoticeKind.seed_renewal: Wording("シーズの更新確認", "renewal of a seed"),
    NoticeKind.profile_renewal: Wording("研究者情報の更新確認", "renewal of a researcher's profile"),
    NoticeKind.escalation: Wording("期限超過のお知らせ", "an escalation"),
}


class MailSettingsFault(ValueError):
    """The address of the mail server cannot be used; the message says why."""


@dataclass(frozen=True)
class MailServer:
    """An SMTP server as its URL names it: `smtp://`, `smtp+starttls://` or `smtps://`, with user and password."""

    host: str
    port: int
    security: str
    user: str | None
    password: str | None
    sender: str
    """The address mail comes from."""
    public_url: str
    """Where the gateway is reached by people, without a slash at the end."""

    @classmethod
    def at(cls, url: str, sender: str, public_url: str) -> "MailServer":
        """The server at *url*. Raises MailSettingsFault."""
        parts = urlsplit(url)
        ports = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
        if parts.scheme not in ports or not parts.hostname:
            raise MailSettingsFault("should be smtp://, smtp+starttls:// or smtps:// with a host")
        if parts.password and parts.scheme == "smtp":
            raise MailSettingsFault("a password is not sent without TLS: use smtp+starttls:// or smtps://")
        try:
            Address(addr_spec=sender)
        except (ValueError, IndexError) as error:
            raise MailSettingsFault(f"the sender {sender!r} is no mail address") from error
        return cls(
            host=parts.hostname,
            port=parts.port or ports[parts.scheme],
            security=parts.scheme,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            sender=sender,
            public_url=public_url.rstrip("/"),
        )

    @contextmanager
    def connected(self) -> Iterator[smtplib.SMTP]:
        """A session. Raises OSError and smtplib.SMTPException."""
        context = ssl.create_default_context()
        if self.security == "smtps":
            session: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=_TIMEOUT, context=context)
        else:
            session = smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT)
        with session:
            if self.security == "smtp+starttls":
                session.starttls(context=context)
            if self.user:
                session.login(self.user, self.password or "")
            yield session


def mail_of(letter: Letter, server: MailServer, store: Store) -> EmailMessage:
    """The mail of *letter*, in both languages; the same letter has the same Message-ID each time."""
    mail = EmailMessage()
    first = letter.notices[0]
    kind = KINDS[NoticeKind(first.kind)]
    count = len(letter.notices)
    title = f"{kind.ja} / {kind.en}" if count == 1 else f"お知らせ {count} 件 / {count} notices"
    mail["Subject"] = f"[Hashi] {title}"
    mail["From"], mail["To"] = server.sender, letter.email
    mail["Date"] = format_datetime(first.created_at)
    mail["Message-ID"] = f"<{first.notice_id}.{count}@{server.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n".join(_lines(letter, server, store)), cte="base64")
    return mail


def _lines(letter: Letter, server: MailServer, store: Store) -> Iterator[str]:
    yield "Hashi からのお知らせです。内容はリンク先でご覧ください。"
    yield "A notice from Hashi. What it is about stands behind the link."
    for one in letter.notices:
        kind = KINDS[NoticeKind(one.kind)]
        yield ""
        yield f"{kind.ja} / {kind.en}"
        yield f"ID: {one.case_id}"
        yield f"{server.public_url}/{_place(one, store)}"


def _place(one: Kept, store: Store) -> str:
    if one.answers:
        return f"answers/{store.notices.link(one.notice_id)}"
    return f"{ELSEWHERE.get(NoticeKind(one.kind), 'cases')}/{one.case_id}"


async def send_due(server: MailServer, store: Store) -> int:
    """Send every mail that is due; returns how many were taken."""
    now = await store.clock.now()
    letters = await store.notices.letters(now)
    sent = 0
    for letter in letters:
        mail = mail_of(letter, server, store)
        try:
            await asyncio.to_thread(_send, server, mail)
        except (OSError, smtplib.SMTPException) as error:
            why, is_final = _fault(error)
            attempt = letter.notices[0].attempts
            again = None if is_final or attempt >= len(AGAIN) else now + AGAIN[attempt]
            await store.notices.mark_failed(letter, why, now=now, again_at=again)
            log.warning("mail_not_taken", person_id=letter.person_id, final=again is None, error=type(error).__name__)
        else:
            await store.notices.mark_sent(letter, now)
            sent += 1
    return sent


def _send(server: MailServer, mail: EmailMessage) -> None:
    with server.connected() as session:
        session.send_message(mail)


def _fault(error: Exception) -> tuple[str, bool]:
    """What the server said, and whether it will never say otherwise."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        [(code, said)] = error.recipients.values()
        return f"{code} {said.decode('utf-8', 'replace')}", code >= _PERMANENT
    if isinstance(error, smtplib.SMTPResponseException):
        words = error.smtp_error if isinstance(error.smtp_error, str) else error.smtp_error.decode("utf-8", "replace")
        final = error.smtp_code >= _PERMANENT and not isinstance(error, _OF_THE_SERVER)
        return f"{error.smtp_code} {words}", final
    return f"{type(error).__name__}: {error}", False


async def mail_for_ever(server: MailServer, store: Store, *, period: float = _PERIOD) -> None:
    """Send what is due every *period* seconds until cancelled; an outage is logged and waited out."""
    while True:
        try:
            await send_due(server, store)
        except StoreUnreachable as error:
            log.warning("mailing_failed", error=type(error).__name__)
        await asyncio.sleep(period)
