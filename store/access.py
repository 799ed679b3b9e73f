"""The tables of how people and programs come in otherwise than by a key; of one schema with `store.tables`."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from store.tables import instant, metadata, people, stamp

clients: Final = Table(
    "clients",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("issuer", Text),
    Column("subject", Text, nullable=False),
    Column("person_id", Text, ForeignKey(people.c.person_id), nullable=False),
    Column("label", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("jwks", JSONB),
    stamp("created_at"),
    instant("revoked_at", nullable=True),
    instant("last_used_at", nullable=True),
    CheckConstraint("(issuer IS NULL) = (jwks IS NOT NULL)", name="issuer"),
    Index(
        "ix_clients_issuer_subject",
        text("coalesce(issuer, '')"),
        "subject",
        unique=True,
        postgresql_where=text("revoked_at IS NULL"),
    ),
    Index(None, "person_id"),
    comment="OAuth clients: of our own token endpoint (issuer NULL, with public keys), or subjects of another issuer.",
)
"""Programs that come with access tokens, and as whom they act."""

assertions: Final = Table(
    "assertions",
    metadata,
    Column("client_id", Text, ForeignKey(clients.c.client_id), primary_key=True),
    Column("jti_hash", LargeBinary, primary_key=True),
    instant("expires_at"),
    Index(None, "expires_at"),
    comment="Assertions that were used, until they expire: none counts twice.",
)
"""The memory against replayed client assertions (RFC 7523, section 3, item 7)."""

accounts: Final = Table(
    "accounts",
    metadata,
    Column("person_id", Text, ForeignKey(people.c.person_id), primary_key=True),
    Column("password_hash", Text),
    Column("sealed_totp", LargeBinary),
    Column("last_step", BigInteger),
    Column("invitation_hash", LargeBinary),
    instant("invited_until", nullable=True),
    Column("offered_totp", LargeBinary),
    stamp("created_at"),
    UniqueConstraint("invitation_hash"),
    CheckConstraint("(password_hash IS NULL) = (sealed_totp IS NULL)", name="password_hash"),
    comment="Local accounts: Argon2id of the password, sealed TOTP secrets, the last time step that was used.",
)
"""Who signs in with a password and a one-time code; a row without a password is an invitation."""

identities: Final = Table(
    "identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("person_id", Text, ForeignKey(people.c.person_id), nullable=False),
    stamp("bound_at"),
    Index(None, "person_id"),
    comment="Whom an OpenID Connect issuer's subject stands for, as an administrator bound it.",
)
"""Who signs in by another organization's identity provider."""

sessions: Final = Table(
    "sessions",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("person_id", Text, ForeignKey(people.c.person_id), nullable=False),
    Column("method", Text, nullable=False),
    instant("created_at"),
    instant("last_used_at"),
    instant("expires_at"),
    instant("ended_at", nullable=True),
    Index(None, "person_id"),
    comment="Who is signed in: the SHA-256 of the cookie's secret, never the secret.",
)
"""Sessions of people in a browser."""

pauses: Final = Table(
    "pauses",
    metadata,
    Column("name_hash", LargeBinary, primary_key=True),
    Column("device", Text, primary_key=True),
    Column("attempts", Integer, nullable=False),
    instant("until"),
    Index(None, "until"),
    comment="Attempts to sign in since the last that succeeded, by name and known device, and when the next may come.",
)
"""What slows guessing down; the device is empty for one that never signed in under that name."""
