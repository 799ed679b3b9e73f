"""The database: reachable, new enough, migrated, with the rights it should have, on time, and opened by our key."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import psycopg
from psycopg.rows import TupleRow
from sqlalchemy.exc import SQLAlchemyError

import migrations
from store.pool import APP_ROLE, READER_ROLE, StoreUnreachable, connect_arguments
from store.sealing import SealBroken, Seals
from workers.doctor.finding import Finding, fault, ok, unreachable, warning
from workers.doctor.people import examine_people
from workers.settings import without_password

_OLDEST: Final = 160000
_LATE: Final = 5.0
_FAR_TOO_LATE: Final = 60.0
_MAKE_KEY: Final = "set HASHI_MASTER_KEY or HASHI_MASTER_KEY_FILE to the key that the data were sealed with"

Connection = psycopg.Connection[TupleRow]
_LET_READ: Final = f"GRANT {READER_ROLE} TO {APP_ROLE} WITH INHERIT FALSE, SET TRUE"


def examine_database(url: str, keys: list[bytes]) -> Iterator[Finding]:
    """Look at the database at the SQLAlchemy *url*; what is sealed in it should open with *keys*."""
    try:
        connection = psycopg.connect(**connect_arguments(url, role=None))
    except psycopg.OperationalError as error:
        told = f"{without_password(url)} does not answer: {str(error).strip()}"
        yield unreachable("PostgreSQL", told, "start it, correct HASHI_DATABASE_URL, or unset it and use `hashi up`")
        return
    except (SQLAlchemyError, psycopg.Error, ValueError) as error:
        yield fault("PostgreSQL", f"HASHI_DATABASE_URL is no usable URL: {error}", "correct it")
        return
    with connection:
        yield _version(connection)
        schema = list(_schema(url))
        yield from schema
        if any(one.remedy for one in schema):
            return
        yield _rights(connection)
        yield from _clock(connection)
        yield _key(connection, keys)
        yield _case_keys(connection)
        yield from examine_people(connection)


def _version(connection: Connection) -> Finding:
    version = connection.info.server_version
    told = f"{version // 10000}.{version % 10000}"
    if version < _OLDEST:
        return fault("PostgreSQL", told, "use PostgreSQL 16 or newer")
    return ok("PostgreSQL", told)


def _schema(url: str) -> Iterator[Finding]:
    try:
        problems = migrations.check(url)
    except (SQLAlchemyError, StoreUnreachable) as error:
        yield fault("Schema", f"cannot be read: {getattr(error, 'orig', error)}", f"GRANT {APP_ROLE} to this user")
        return
    for problem in problems:
        yield fault("Schema", problem, "hashi db upgrade, as the owner (HASHI_OWNER_URL)")
    if not problems:
        yield ok("Schema", f"revision {migrations.head()}")


def _rights(connection: Connection) -> Finding:
    row = connection.execute(
        "SELECT pg_has_role(current_user, %(app)s, 'SET'), pg_has_role(current_user, %(reader)s, 'SET'), rolsuper,"
        " has_table_privilege(current_user, 'hashi.events', 'UPDATE, DELETE, TRUNCATE')"
        " FROM pg_roles WHERE rolname = current_user",
        {"app": APP_ROLE, "reader": READER_ROLE},
    ).fetchone()
    may_act, may_read, is_super, may_change = row or (False, False, False, True)
    if not may_act:
        return fault("Rights", f"this user may not act as {APP_ROLE}", f"as the owner: GRANT {APP_ROLE} TO this user")
    if not may_read:
        return fault("Rights", f"{APP_ROLE} may not read for others", f"as the owner: {_LET_READ}")
    on_this_machine = connection.info.host.startswith("/")
    if (is_super or may_change) and not on_this_machine:
        told = "this user could change events if it left the role " + APP_ROLE
        return warning("Rights", told, f"give the application a login of its own that has {APP_ROLE} and nothing else")
    told = f"acts as {APP_ROLE}, which can neither change nor delete an event, and reads for others as {READER_ROLE}"
    return ok("Rights", told)


def _clock(connection: Connection) -> Iterator[Finding]:
    row = connection.execute("SELECT clock_timestamp(), hashi.now(), movable FROM hashi.clock").fetchone()
    assert row is not None
    told, ours, movable = row
    apart = abs((datetime.now(UTC) - told).total_seconds())
    sentence = f"{apart:.1f} s between this machine and the database"
    if apart > _LATE:
        make = fault if apart > _FAR_TOO_LATE else warning
        yield make("Clock", sentence, "let NTP set the clocks of both")
    else:
        yield ok("Clock", sentence)
    if movable:
        moved = (
            f", and stands {abs((ours - told).total_seconds()):.0f} s off"
            if abs((ours - told).total_seconds()) > 1
            else ""
        )
        yield warning(
            "Clock of the case", f"can be moved{moved}", "this database is for tests; use another for real cases"
        )


def _key(connection: Connection, keys: list[bytes]) -> Finding:
    if not keys:
        return fault("Master key", "none is set", _MAKE_KEY)
    row = connection.execute(
        "SELECT command_id, sealed_body FROM hashi.commands WHERE sealed_body <> ''::bytea"
        " ORDER BY received_at DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return ok("Master key", f"{len(keys)} set; nothing is sealed yet")
    try:
        Seals(keys).unseal(row[1], row[0])
    except SealBroken as error:
        return fault(
            "Master key", f"does not open what is kept: {error}", f"{_MAKE_KEY}; old keys stand behind the new"
        )
    return ok("Master key", f"{len(keys)} set; opens what is kept")


def _case_keys(connection: Connection) -> Finding:
    row = connection.execute(
        "SELECT count(*), min(case_id) FROM hashi.case_overview"
        " WHERE NOT EXISTS (SELECT FROM hashi.subject_keys WHERE subject = 'case-' || case_id)"
    ).fetchone()
    assert row is not None
    if row[0]:
        told = f"{row[0]} cases have none, for instance {row[1]}: what is secret of them cannot be read"
        return fault("Keys of cases", told, "restore the table hashi.subject_keys from its own backup")
    return ok("Keys of cases", "every case has one, or had one that was destroyed")
