"""The tables of what lenders follow: their feeds, and where events are pushed to; of one schema with `store.tables`."""

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, UniqueConstraint, text

from store.tables import instant, metadata, stamp

feed: Final = Table(
    "feed",
    metadata,
    Column("lender_id", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("case_id", Text, nullable=False),
    UniqueConstraint("lender_id", "position"),
    comment="Which event has which number in a lender's feed; numbers count from 1 without a gap and are for ever.",
)
"""The feeds of lenders, by `store.feed`."""

feed_reach: Final = Table(
    "feed_reach",
    metadata,
    Column("lender_id", Text, primary_key=True),
    Column("case_id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    comment="Up to which version the events of a case were looked at for a lender.",
)
"""How far a case went into a feed; what came without a consent follows with the next one."""

feed_lenders: Final = Table(
    "feed_lenders",
    metadata,
    Column("lender_id", Text, primary_key=True),
    Column("since", BigInteger, nullable=False),
    comment="Lenders who were given what had been opened to all lenders before they were known; since which position.",
)
"""Whom the feed has met."""

endpoints: Final = Table(
    "endpoints",
    metadata,
    Column("endpoint_id", Text, primary_key=True),
    Column("lender_id", Text, nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("sealed_secrets", LargeBinary, nullable=False),
    Column("cursor", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    stamp("next_at"),
    instant("failing_since", nullable=True),
    Column("failure", Text),
    instant("verified_at", nullable=True),
    stamp("created_at"),
    comment="Webhooks of lenders. cursor is the last number of the feed that was taken over into deliveries.",
)
"""Where events are pushed to, by `store.endpoints`."""

deliveries: Final = Table(
    "deliveries",
    metadata,
    Column("endpoint_id", Text, ForeignKey("endpoints.endpoint_id", ondelete="CASCADE"), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    stamp("next_at"),
    Column("failure", Text),
    instant("ended_at", nullable=True),
    Index(
        "ix_deliveries_endpoint_id_case_id_number",
        "endpoint_id",
        "case_id",
        "number",
        postgresql_where=text("status = 'waiting'"),
    ),
    comment="One row an event and endpoint: waiting, sent, withheld or dead. It holds numbers and faults, no content.",
)
"""What became of each push."""
