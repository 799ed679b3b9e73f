"""The outbox of notices: who is told of what, when the mail goes, and whether it arrived (`domain.md` 4a, rule 4).

A notice is written once for an event and a person, however often the event is followed. Mail goes at least once: a
sender that dies between sending and noting so sends again, under the same Message-ID.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, any_, func, or_, select, update
from sqlalchemy.dialects.postgresql import array, insert

from domain.calendar import JST, is_business_day, japanese_day
from domain.envelope import made_id
from domain.notices import Addressee, Notice
from store.absences import Absences
from store.pool import Pool, Seen, rows
from store.sealing import Seals
from store.tables import contacts, notices, organizations, people

_NOTICE: Final = notices.c
_PERSON: Final = people.c
_DIGEST_HOUR: Final = 8
_STALE: Final = timedelta(days=3)
"""How old an event may be for mail to be sent of it: a relay that begins late does not tell what is long past."""
LINK_DAYS: Final = 30
_BATCH: Final = 200


class MailMode(StrEnum):
    """When a person's notices are mailed."""

    immediately = "immediately"
    daily = "daily"
    """Once a business day at eight in the morning, all in one mail."""
    off = "off"


@dataclass(frozen=True)
class Contact:
    """How a person is reached."""

    email: str | None = None
    mode: MailMode = MailMode.immediately


@dataclass(frozen=True)
class Kept:
    """A notice as it is kept."""

    notice_id: str
    person_id: str
    kind: str
    case_id: str
    subject: str | None
    answers: tuple[str, ...]
    created_at: datetime
    due_at: datetime | None
    attempts: int
    sent_at: datetime | None
    failed_at: datetime | None
    failure: str | None
    answered_at: datetime | None


@dataclass(frozen=True)
class Letter:
    """All that one mail to one person holds."""

    person_id: str
    email: str
    mode: MailMode
    notices: tuple[Kept, ...]


class Notices:
    """Keeps notices. Every method raises StoreUnreachable when the database is away."""

    def __init__(self, pool: Pool, seals: Seals) -> None:
        self._pool = pool
        self._seals = seals
        self._absences = Absences(pool)

    async def set_contact(self, person_id: str, contact: Contact) -> None:
        """How *person_id* is reached from now on; the address is kept sealed.

        Raises psycopg.errors.ForeignKeyViolation for an unknown person.
        """
        sealed = self._seals.seal(contact.email.encode(), _context(person_id)) if contact.email else None
        values = {"person_id": person_id, "sealed_email": sealed, "mode": contact.mode.value}
        statement = insert(contacts).values(values)
        await rows(self._pool, statement.on_conflict_do_update(index_elements=["person_id"], set_=values))

    async def contact(self, person_id: str) -> Contact:
        """How *person_id* is reached."""
        found = await rows(self._pool, select(contacts).where(contacts.c.person_id == person_id))
        return self._contact(found[0]) if found else Contact()

    def _contact(self, row: dict[str, Any]) -> Contact:
        sealed = row["sealed_email"]
        email = self._seals.unseal(sealed, _context(row["person_id"])).decode() if sealed else None
        return Contact(email, MailMode(row["mode"]))

    async def addressed(self, to: Addressee) -> list[str]:
        """The people that *to* means, of the organization that theirs goes on in."""
        if to.person is not None:
            statement = select(_PERSON.person_id).where(_PERSON.person_id == to.person)
        else:
            statement = select(_PERSON.person_id).where(_PERSON.role == to.role.value)
            today = select(organizations.c.successor_id).where(organizations.c.org_id == to.org_id).scalar_subquery()
            belongs = _PERSON.org_id == func.coalesce(today, to.org_id)
            statement = statement.where(belongs).order_by(_PERSON.person_id)
        return [str(row["person_id"]) for row in await rows(self._pool, statement)]

    async def rows_of(
        self, told: Iterable[tuple[str, str, datetime, Notice]], now: datetime
    ) -> list[dict[str, object]]:
        """The rows for notices of events, each with the event's id, case and moment."""
        found: dict[str, dict[str, object]] = {}
        modes: dict[str, MailMode] = {}
        for event_id, case_id, recorded_at, notice in told:
            people_told = await self.addressed(notice.to)
            for person_id in [*people_told, *await self._standing_in(people_told, recorded_at)]:
                if person_id not in modes:
                    modes[person_id] = (await self.contact(person_id)).mode
                notice_id = made_id("notice", f"{event_id}:{person_id}")
                found[notice_id] = {
                    "notice_id": notice_id,
                    "person_id": person_id,
                    "kind": notice.kind.value,
                    "case_id": case_id,
                    "subject": notice.subject,
                    "answers": list(notice.answers) if person_id in people_told else [],
                    "link_hash": _hash(self.link(notice_id)) if notice.answers and person_id in people_told else None,
                    "created_at": recorded_at,
                    "due_at": _due(recorded_at, modes[person_id], now),
                }
        return list(found.values())

    async def _standing_in(self, person_ids: Sequence[str], moment: datetime) -> list[str]:
        """Who stands in for those of *person_ids* who are away, and is not told anyway."""
        away = await self._absences.on(japanese_day(moment), person_ids)
        found = [one.substitute_id for one in away.values() if one.substitute_id]
        return [one for one in dict.fromkeys(found) if one not in person_ids]

    def link(self, notice_id: str) -> str:
        """The secret word of the link that answers *notice_id*: the same each time, known to the keys alone."""
        return urlsafe_b64encode(self._seals.fingerprint(f"link {notice_id}".encode())).decode().rstrip("=")

    async def letters(self, now: datetime) -> list[Letter]:
        """The mails that are to go at *now*; people without an address get none and keep their notices."""
        waiting = and_(_NOTICE.sent_at.is_(None), _NOTICE.failed_at.is_(None), _NOTICE.due_at <= now)
        statement = (
            select(notices, contacts.c.sealed_email, contacts.c.mode)
            .join(contacts, contacts.c.person_id == _NOTICE.person_id)
            .where(waiting, contacts.c.sealed_email.is_not(None), contacts.c.mode != MailMode.off.value)
            .order_by(_NOTICE.number)
            .limit(_BATCH)
        )
        single: list[Letter] = []
        daily: dict[str, list[Kept]] = {}
        whom: dict[str, Contact] = {}
        for row in await rows(self._pool, statement):
            kept, contact = _kept(row), self._contact(row)
            assert contact.email is not None
            whom[kept.person_id] = contact
            if contact.mode is MailMode.daily:
                daily.setdefault(kept.person_id, []).append(kept)
            else:
                single.append(Letter(kept.person_id, contact.email, contact.mode, (kept,)))
        digests = [
            Letter(person_id, whom[person_id].email or "", MailMode.daily, tuple(many))
            for person_id, many in daily.items()
        ]
        return single + digests

    async def mark_sent(self, letter: Letter, now: datetime) -> None:
        """*letter* was taken by the mail server."""
        await self._mark(letter, sent_at=now, failure=None)

    async def mark_failed(self, letter: Letter, why: str, *, now: datetime, again_at: datetime | None) -> None:
        """*letter* was not taken; it is tried again at *again_at*, or never."""
        values: dict[str, object] = {"failure": why[:500], "attempts": _NOTICE.attempts + 1}
        values |= {"due_at": again_at} if again_at else {"failed_at": now}
        await self._mark(letter, **values)

    async def _mark(self, letter: Letter, **values: object) -> None:
        ids = array([one.notice_id for one in letter.notices])
        await rows(self._pool, update(notices).where(_NOTICE.notice_id == any_(ids)).values(values))

    async def of_person(self, person_id: str, *, after: str | None, limit: int) -> list[Kept]:
        """The notices of *person_id*, newest first, those that come *after* a notice in this order."""
        return await self._newest(_NOTICE.person_id == person_id, after, limit)

    async def undelivered(self, *, after: str | None, limit: int) -> list[Kept]:
        """Notices whose mail failed at least once and has not been sent, in the same order."""
        return await self._newest(and_(_NOTICE.sent_at.is_(None), _NOTICE.failure.is_not(None)), after, limit)

    async def _newest(self, which: ColumnElement[bool], after: str | None, limit: int) -> list[Kept]:
        statement = select(notices).where(which).order_by(_NOTICE.number.desc()).limit(limit)
        if after is not None:
            last = select(_NOTICE.number).where(_NOTICE.notice_id == after, which)
            statement = statement.where(_NOTICE.number < last.scalar_subquery())
        return [_kept(row) for row in await rows(Seen(self._pool), statement)]

    async def by_link(self, word: str) -> Kept | None:
        """The notice that the link with the secret *word* answers; None when there is none."""
        found = await rows(self._pool, select(notices).where(_NOTICE.link_hash == _hash(word)))
        return _kept(found[0]) if found else None

    async def mark_answered(self, notice_id: str) -> None:
        """The link of *notice_id* and of every other notice of the same matter and person was used."""
        one = select(_NOTICE.person_id, _NOTICE.case_id, _NOTICE.subject).where(_NOTICE.notice_id == notice_id)
        same = and_(
            _NOTICE.person_id == one.with_only_columns(_NOTICE.person_id).scalar_subquery(),
            _NOTICE.case_id == one.with_only_columns(_NOTICE.case_id).scalar_subquery(),
            _NOTICE.subject == one.with_only_columns(_NOTICE.subject).scalar_subquery(),
        )
        statement = update(notices).where(or_(same, _NOTICE.notice_id == notice_id), _NOTICE.answered_at.is_(None))
        await rows(self._pool, statement.values(answered_at=func.hashi.now()))


def adding(told: Sequence[dict[str, object]]) -> Any:
    """The statement that writes *told*; a notice that is there already stays as it is."""
    return insert(notices).values(list(told)).on_conflict_do_nothing()


def next_digest(moment: datetime) -> datetime:
    """Eight in the morning, in Japan, of the next business day at or after *moment*."""
    local = moment.astimezone(JST)
    day = local.date() if local.hour < _DIGEST_HOUR else local.date() + timedelta(days=1)
    while not is_business_day(day):
        day += timedelta(days=1)
    return datetime(day.year, day.month, day.day, _DIGEST_HOUR, tzinfo=JST)


def _due(recorded_at: datetime, mode: MailMode, now: datetime) -> datetime | None:
    if now - recorded_at > _STALE or mode is MailMode.off:
        return None
    return next_digest(recorded_at) if mode is MailMode.daily else recorded_at


def _kept(row: dict[str, Any]) -> Kept:
    return Kept(**{name: row[name] for name in Kept.__dataclass_fields__} | {"answers": tuple(row["answers"])})


def _context(person_id: str) -> str:
    return f"email of {person_id}"


def _hash(word: str) -> bytes:
    return hashlib.sha256(word.encode()).digest()
