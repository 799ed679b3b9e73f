"""The tables of the schema `hashi`, in one place; `migrations` makes them, a test compares the two."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

SCHEMA: Final = "hashi"

metadata: Final = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    },
)

_INSTANT: Final = DateTime(timezone=True)
_NOW: Final = text("hashi.now()")


def instant(name: str, *, nullable: bool = False) -> Column[object]:
    """A column *name* that holds a moment."""
    return Column(name, _INSTANT, nullable=nullable)


def stamp(name: str) -> Column[object]:
    """A column *name* that holds when its row was made."""
    return Column(name, _INSTANT, nullable=False, server_default=_NOW)


events: Final = Table(
    "events",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("stream", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("command_id", Text, nullable=False),
    instant("recorded_at"),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("event_id"),
    UniqueConstraint("stream", "version"),
    CheckConstraint("position > 0", name="position"),
    CheckConstraint("version > 0", name="version"),
    Index(None, "command_id", postgresql_using="hash"),
    comment="Facts, for ever. body is the event in canonical JSON (RFC 8785); the other columns repeat what is looked"
    " for in it.",
)
"""Facts in the order of their commits: `position` counts from 1 without a gap. Written by `hashi.append` alone."""

case_overview: Final = Table(
    "case_overview",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("case_no", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("stage", Text, nullable=False),
    Column("furthest_stage", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("disposition", Text),
    Column("origin", Text, nullable=False),
    Column("company_id", Text),
    Column("coordinator_id", Text),
    Column("title", Text),
    Column("readers", ARRAY(Text), nullable=False),
    instant("opened_at"),
    instant("updated_at"),
    instant("next_due_at", nullable=True),
    Column("position", BigInteger, nullable=False),
    Column("lending", JSONB),
    Index("ix_case_overview_readers", "readers", postgresql_using="gin"),
    Index("ix_case_overview_opened_at_case_id", "opened_at", "case_id"),
    Index("ix_case_overview_next_due_at", "next_due_at", postgresql_where=text("next_due_at IS NOT NULL")),
    comment="One row a case, derived from its events in the transaction that appends them.",
)
"""One row a case for boards and lists; `readers` holds strings such as `bank:jfs-fukuoka` and `person:sato`."""

entries: Final = Table(
    "entries",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("entry_id", Text, nullable=False),
    Column("about", Text),
    Column("standing", Text, nullable=False),
    Column("due_command", Text),
    instant("next_due_at", nullable=True),
    Column("body", JSONB, nullable=False),
    Column("version", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Index("ix_entries_kind_entry_id", "kind", "entry_id"),
    Index("ix_entries_about", "about", postgresql_where=text("about IS NOT NULL")),
    Index("ix_entries_next_due_at", "next_due_at", postgresql_where=text("next_due_at IS NOT NULL")),
    comment=(
        "One row an entry of the catalogue or a dossier, derived from its events in the transaction that appends them."
    ),
)
"""One row an entry; `about` is the case of a dossier."""

referrals: Final = Table(
    "referrals",
    metadata,
    Column("bank_id", Text, primary_key=True),
    Column("bank_reference", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Index(None, "case_id"),
    comment="The natural key of a referral, for ever.",
)
"""Which case a bank's reference began, and the keyed fingerprint of what was sent with it."""

commands: Final = Table(
    "commands",
    metadata,
    Column("command_id", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("org_id", Text, nullable=False),
    Column("sealed_body", LargeBinary, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    stamp("received_at"),
    Index(None, "case_id"),
    comment="Command bodies, encrypted; the engine carries their ids only.",
)
"""Bodies of commands, sealed by `store.sealing`."""

refusals: Final = Table(
    "refusals",
    metadata,
    Column("command_id", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("org_id", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("problem", JSONB, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    stamp("refused_at"),
    Index(None, "case_id"),
    comment="What was refused and why; a retry gets the same answer from here.",
)
"""Refused commands: log, and memory for retries."""

organizations: Final = Table(
    "organizations",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("prefecture", Text),
    Column("country", Text, nullable=False),
    Column("corporate_number", Text),
    Column("indirect_rate", Text),
    Column("payment_first", Boolean, nullable=False),
    Column("successor_id", Text, ForeignKey("organizations.org_id")),
    UniqueConstraint("corporate_number"),
    Index("ix_organizations_successor_id", "successor_id", postgresql_where=text("successor_id IS NOT NULL")),
)
"""Banks, companies, universities and the rest; the columns are the fields of `domain.envelope.Organization`."""

people: Final = Table(
    "people",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("org_id", Text, ForeignKey(organizations.c.org_id), nullable=False),
    Column("name", Text, nullable=False),
)
"""Who may act; the columns are the fields of `domain.envelope.Person`."""

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("person_id", Text, ForeignKey(people.c.person_id), nullable=False),
    Column("label", Text, nullable=False),
    stamp("created_at"),
    instant("expires_at", nullable=True),
    instant("revoked_at", nullable=True),
    Column("scopes", ARRAY(Text), nullable=False, server_default=text("ARRAY['all']")),
    Column("replaces", Text, ForeignKey("api_keys.key_id")),
    instant("last_used_at", nullable=True),
    Index(None, "person_id"),
    Index(None, "replaces"),
)
"""Keys of the HTTP interface: the SHA-256 of a random 256-bit secret, never the secret."""

contacts: Final = Table(
    "contacts",
    metadata,
    Column("person_id", Text, ForeignKey(people.c.person_id), primary_key=True),
    Column("sealed_email", LargeBinary),
    Column("mode", Text, nullable=False),
    comment="How people are reached: sealed addresses, and when mail goes to them.",
)
"""Addresses of people, sealed by `store.sealing`."""

subject_keys: Final = Table(
    "subject_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("wrapped", LargeBinary),
    stamp("created_at"),
    instant("destroyed_at", nullable=True),
    UniqueConstraint("subject", "number"),
    CheckConstraint("(wrapped IS NULL) = (destroyed_at IS NOT NULL)", name="destroyed"),
    comment="Data keys, wrapped by the master key; destroyed ones keep their row.",
)
"""The keys under which secret parts of events lie (`store.veil`)."""

absences: Final = Table(
    "absences",
    metadata,
    Column("person_id", Text, ForeignKey(people.c.person_id), primary_key=True),
    Column("starts_on", Date, primary_key=True),
    Column("ends_on", Date, nullable=False),
    Column("substitute_id", Text, ForeignKey(people.c.person_id)),
    CheckConstraint("ends_on >= starts_on", name="ends_on"),
    comment="Days on which people are away, and who is told instead of them.",
)
"""Who is away when; both days included."""

notices: Final = Table(
    "notices",
    metadata,
    Column("notice_id", Text, primary_key=True),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("person_id", Text, ForeignKey(people.c.person_id), nullable=False),
    Column("kind", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("subject", Text),
    Column("answers", ARRAY(Text), nullable=False),
    Column("link_hash", LargeBinary),
    instant("created_at"),
    instant("due_at", nullable=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    instant("sent_at", nullable=True),
    instant("failed_at", nullable=True),
    Column("failure", Text),
    instant("answered_at", nullable=True),
    UniqueConstraint("link_hash"),
    Index("ix_notices_person_id_number", "person_id", "number"),
    Index(
        "ix_notices_due_at",
        "due_at",
        postgresql_where=text("sent_at IS NULL AND failed_at IS NULL AND due_at IS NOT NULL"),
    ),
    comment="Who is told of which event; the outbox of mail. It holds kinds and ids, no content.",
)
"""Notices to people; `due_at` is when the mail goes, NULL where none does."""

documents: Final = Table(
    "documents",
    metadata,
    Column("document_id", Text, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("file_name", Text),
    Column("org_id", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    stamp("created_at"),
)
"""Files that events refer to by id and SHA-256."""

intake_batches: Final = Table(
    "intake_batches",
    metadata,
    Column("batch_id", Text, primary_key=True),
    Column("org_id", Text, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("encoding", Text),
    Column("sha256", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    stamp("created_at"),
    instant("moved_at"),
    Index("ix_intake_batches_moved_at", "moved_at"),
    comment="Tables of needs as they were uploaded, sealed under keys of their own; moved_at is when one last changed.",
)
"""Uploaded tables; `state` is checked, committing, cancelled or done (`store.batches`)."""

intake_rows: Final = Table(
    "intake_rows",
    metadata,
    Column("batch_id", Text, ForeignKey("intake_batches.batch_id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("reference", Text),
    Column("case_id", Text),
    Column("state", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_intake_rows_ready", "batch_id", "number", postgresql_where=text("state = 'ready'")),
    Index(None, "case_id"),
    comment="The rows of uploaded tables: what became of each. Bodies and faults are sealed; a committed body is gone.",
)
"""Rows of uploaded tables; `state` is ready, already_there, refused or committed."""

clock: Final = Table(
    "clock",
    metadata,
    Column("single", Boolean, primary_key=True, server_default=text("true")),
    Column("shifted_by", Interval, nullable=False, server_default=text("'0'::interval")),
    instant("frozen_at", nullable=True),
    Column("movable", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint("single", name="single"),
    comment="hashi.now() is frozen_at, or the time of the server plus shifted_by; moved by hashi.move_clock alone.",
)
"""The one clock; a single row."""

checkpoints: Final = Table(
    "checkpoints",
    metadata,
    Column("follower", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    CheckConstraint("position >= 0", name="position"),
    comment="The last position each follower has handled; it moves in the transaction of what the follower writes.",
)
"""How far each follower has come (`store.follow`)."""

log_leaves: Final = Table(
    "log_leaves",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    CheckConstraint("length(leaf_hash) = 32", name="leaf_hash"),
    comment="Leaf hashes of the Merkle tree over the events (RFC 9162, 2.1.1): SHA-256 of 0x00 and the body. "
    "Leaf index = position - 1.",
)
"""What the transparency log is built on (`audit.log`)."""

log_tiles: Final = Table(
    "log_tiles",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("length(hash) = 32", name="hash"),
    comment="Hashes of the full tiles of the log, 256 hashes of the level below each (C2SP tlog-tiles).",
)
"""What roots and proofs are made of without reading every leaf."""

log_checkpoints: Final = Table(
    "log_checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
    stamp("sealed_at"),
    CheckConstraint("size > 0", name="size"),
    comment="Signed heads of the log, as they are handed out (C2SP tlog-checkpoint).",
)
"""Checkpoints; `sealed_at` is not signed."""

log_keys: Final = Table(
    "log_keys",
    metadata,
    Column("vkey", Text, primary_key=True),
    stamp("first_used_at"),
    comment="Verifier keys that signed a checkpoint here; a help for finding them, no proof of whose they are.",
)
"""Public keys of the log."""

case_facts: Final = Table(
    "case_facts",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("origin", Text, nullable=False),
    Column("fiscal_year", Integer, nullable=False),
    Column("field_codes", ARRAY(Text), nullable=False),
    Column("company_id", Text),
    Column("institution_id", Text),
    Column("status", Text, nullable=False),
    Column("disposition", Text),
    Column("reason_code", Text),
    Column("furthest_stage", Text, nullable=False),
    Column("stages", ARRAY(Text), nullable=False),
    Column("entered_at", ARRAY(_INSTANT), nullable=False),
    instant("opened_at"),
    instant("closed_at", nullable=True),
    Index(None, "fiscal_year"),
    comment="One row a case for statistics, derived from its events by the relay. No names, no texts.",
)
"""What statistics count (`store.facts`); prefectures stand in `organizations`."""

reads: Final = Table(
    "reads",
    metadata,
    Column("read_id", BigInteger, Identity(always=True), primary_key=True),
    stamp("read_at"),
    Column("role", Text, nullable=False),
    Column("org_id", Text, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("case_ids", ARRAY(Text), nullable=False),
    Index("ix_reads_case_ids", "case_ids", postgresql_using="gin"),
    comment="The access log: written before the answer goes out, by the gateway. "
    "It holds addresses and ids, no content.",
)
"""Every read by lenders and auditors."""

quotas: Final = Table(
    "quotas",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("slot", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    prefixes=["UNLOGGED"],
    comment="How much each key asked for in the present window, for all gateways; not logged, a crash empties it.",
)
"""Requests by key (`store.quotas`)."""

case_numbers: Final = Sequence("case_numbers", metadata=metadata)
"""Numbers for people to call a case by."""
