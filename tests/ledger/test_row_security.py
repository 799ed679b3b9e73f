"""The database itself shows a reader outside of the center no row that no key of theirs opens."""

import os
from collections.abc import Awaitable, Callable

import psycopg
import pytest
from ledger_notes import new_stream, notes, overview

from domain.envelope import Actor, Organization
from domain.terms import OrganizationKind, Role
from domain.visibility import row_keys
from store.append import Appended
from store.connect import Store
from store.entries import EntryRow
from store.pool import READER_ROLE, Seen, fetch, reading_as
from store.tables import SCHEMA, metadata

Run = Callable[..., Awaitable[list[tuple[object, ...]]]]

OURS, OTHERS = "{bank:b1,org:b1,self:sato,lender:b1}", "{bank:b2,attached:b2,org:b2,self:okada,lender:b2}"
GUARDED = {
    "events": "stream IN ('case-{case}', 'dossier-{case}')",
    "case_overview": "case_id = '{case}'",
    "entries": "stream = 'dossier-{case}'",
    "documents": "document_id = 'doc-{case}'",
    "notices": "case_id = '{case}'",
    "reads": "case_ids @> ARRAY['{case}']",
    "feed": "case_id = '{case}'",
    "feed_reach": "case_id = '{case}'",
    "intake_batches": "batch_id = 'b-{case}'",
    "intake_rows": "case_id = '{case}'",
}
"""The tables that a reader may read and that tell of cases, and what a case has in each."""
OF_NOBODY = {"checkpoints", "clock", "log_leaves", "log_tiles", "log_checkpoints", "log_keys"}
"""What a reader may read that tells of no case."""


LENDER = Organization(org_id="b1", kind=OrganizationKind.bank, name="b1")
READERS = ("bank:b1", "company:x")


@pytest.fixture(scope="module")
async def case(store: Store, as_owner: Run, url: str) -> str:
    """A case of the bank b1, with a row in every table that tells of cases."""
    case_id = os.urandom(16).hex()
    appended = notes(f"case-{case_id}", 0, "c1", 2, overview=overview(case_id, company_id="x", readers=READERS))
    about = {"stream": f"dossier-{case_id}", "kind": "dossier", "entry_id": case_id, "about": case_id}
    row = EntryRow(**about, standing="requested", body={"lender_id": "b1"})
    for wanted in (appended, notes(f"dossier-{case_id}", 0, "c2", overview=row)):
        assert isinstance(await store.ledger.append(wanted), Appended)
    await as_owner(
        url,
        "INSERT INTO hashi.organizations VALUES ('b1', 'bank', 'b1', NULL, 'JP', NULL, NULL, false, NULL)",
        "INSERT INTO hashi.people VALUES ('sato', 'bank_officer', 'b1', 'sato')",
        f"INSERT INTO hashi.documents VALUES ('doc-{case_id}', '', 1, 'text/plain', NULL, 'b1', 'x')",
        "INSERT INTO hashi.notices (notice_id, person_id, kind, case_id, answers, created_at)"
        f" VALUES ('n-{case_id}', 'sato', 'need_accepted', '{case_id}', '{{}}', now())",
        "INSERT INTO hashi.reads (role, org_id, person_id, address, case_ids)"
        f" VALUES ('auditor', 'center', 'noda', '/', '{{{case_id}}}')",
        f"INSERT INTO hashi.feed VALUES ('b1', 1, 1, '{case_id}')",
        f"INSERT INTO hashi.feed_reach VALUES ('b1', '{case_id}', 2)",
        f"INSERT INTO hashi.intake_batches VALUES ('b-{case_id}', 'b1', 'sato', 'csv', NULL, '', 1, '',"
        " 'checked', now(), now())",
        f"INSERT INTO hashi.intake_rows VALUES ('b-{case_id}', 1, NULL, '{case_id}', 'ready', '')",
    )
    return case_id


async def seen(as_owner: Run, url: str, table: str, where: str, keys: str | None) -> int:
    """How many rows of *table* a reader with *keys* sees by SQL of their own."""
    given = [] if keys is None else [f"SET hashi.reader = '{keys}'"]
    query = f"SELECT count(*) FROM hashi.{table} WHERE {where}"
    [(count,)] = await as_owner(url, f"SET ROLE {READER_ROLE}", *given, query)
    assert isinstance(count, int)
    return count


@pytest.mark.parametrize("table", GUARDED)
async def test_a_case_is_seen_by_its_reader_and_by_nobody_else(as_owner: Run, url: str, case: str, table: str) -> None:
    where = GUARDED[table].format(case=case)
    assert await seen(as_owner, url, table, where, OURS) > 0
    assert await seen(as_owner, url, table, where, OTHERS) == 0
    for nobody in (None, "", "{}"):
        assert await seen(as_owner, url, table, "true", nobody) == 0


async def test_what_a_reader_may_read_is_guarded_or_tells_of_no_case(as_owner: Run, url: str) -> None:
    found = await as_owner(
        url,
        "SELECT relname, relrowsecurity FROM pg_class WHERE relkind = 'r'"
        f" AND relnamespace = '{SCHEMA}'::regnamespace AND has_table_privilege('{READER_ROLE}', oid, 'SELECT')",
    )
    assert {name for name, is_guarded in found if is_guarded} == set(GUARDED)
    assert {name for name, is_guarded in found if not is_guarded} == OF_NOBODY
    assert set(GUARDED) | OF_NOBODY <= {table.name for table in metadata.sorted_tables}


async def test_without_any_filter_of_its_own_the_store_shows_another_bank_nothing(store: Store, case: str) -> None:
    with reading_as(row_keys(Actor(role=Role.bank_officer, org_id="b2", person="okada"))):
        assert await store.overview.case(case) is None
        assert await store.overview.cases(readers=None) == []
        assert await store.ledger.read(f"case-{case}") == []
        assert await store.ledger.head(f"case-{case}") == 0
        assert await store.ledger.positions(f"case-{case}") == {}
        assert await store.ledger.read_all(0, 1000) == await store.ledger.bodies(0, 1000) == []
        assert await store.entries.about(case) == []
        assert await store.entries.entry(f"dossier-{case}") is None
        assert await store.documents.get(f"doc-{case}") is None
        assert await store.notices.of_person("sato", after=None, limit=10) == []
        assert await store.desk.reads(case) == []
        assert (await store.desk.standing(f"case-{case}"))[1] == 0
        assert await store.feeds.read(LENDER, 0, 10) == []
        assert await store.batches.get(f"b-{case}") is None
        assert await store.batches.rows(f"b-{case}") == []
    with reading_as(row_keys(Actor(role=Role.bank_officer, org_id="b1", person="sato"))):
        assert len(await store.ledger.read(f"case-{case}")) == 2
        assert await store.ledger.read(f"dossier-{case}") == []  # its lender's, not its bank's
    with reading_as(row_keys(Actor(role=Role.lender_officer, org_id="b1", person="endo"))):
        assert len(await store.ledger.read(f"dossier-{case}")) == 1
        assert await store.ledger.read(f"case-{case}") == []
        assert [one.number for one in await store.feeds.read(LENDER, 0, 10)] == [1]


async def test_a_company_sees_the_dossiers_of_its_cases(store: Store, case: str) -> None:
    with reading_as(row_keys(Actor(role=Role.company_representative, org_id="x", person="ueda"))):
        assert [one.stream for one in await store.entries.about(case)] == [f"dossier-{case}"]


async def test_a_connection_forgets_whom_it_read_for(url: str, case: str) -> None:
    who = "SELECT current_user, coalesce(current_setting('hashi.reader', true), '')"
    async with Store.open(url, [bytes(32)], size=1) as store:
        place = Seen(store.pool)
        with reading_as(("bank:b1", 'odd, "key" {}\'')):
            assert await fetch(place, who) == [(READER_ROLE, '{bank:b1,"odd, \\"key\\" {}\'"}')]
            for fault in ("SELECT 1 / 0", "SELECT nothing", "DELETE FROM hashi.events"):
                with pytest.raises(psycopg.Error):
                    await fetch(place, fault)
                assert await fetch(store.pool, who) == [("hashi_app", "")]
        assert await fetch(place, who) == await fetch(store.pool, who) == [("hashi_app", "")]
        with reading_as(("bank:b2",)):
            assert await fetch(place, who) == [(READER_ROLE, "{bank:b2}")]
            assert await fetch(place, b"SELECT FROM hashi.case_overview WHERE case_id = %s", [case]) == []


async def test_rights_end_with_what_they_were_given_for(store: Store, case: str) -> None:
    with reading_as(("bank:b2",)):
        with reading_as(None):
            assert await store.overview.case(case) is not None
        assert await store.overview.case(case) is None


async def test_the_application_decides_with_everything_in_sight(store: Store, case: str) -> None:
    with reading_as(("bank:b2",)):
        assert (await store.desk.briefing(case, "-", ())).version == 2
        assert await store.ledger.append(notes(new_stream(), 0, "c1")) is not None
