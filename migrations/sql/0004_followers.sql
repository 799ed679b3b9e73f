-- How far each follower of the events has come, and the leaves of the transparency log.

CREATE TABLE hashi.checkpoints (
    follower text NOT NULL,
    position bigint NOT NULL,
    CONSTRAINT pk_checkpoints PRIMARY KEY (follower),
    CONSTRAINT ck_checkpoints_position CHECK (position >= 0)
);
COMMENT ON TABLE hashi.checkpoints IS
    'The last position each follower has handled; it moves in the transaction of what the follower writes.';

CREATE TABLE hashi.log_leaves (
    position bigint NOT NULL,
    leaf_hash bytea NOT NULL,
    CONSTRAINT pk_log_leaves PRIMARY KEY (position),
    CONSTRAINT ck_log_leaves_leaf_hash CHECK (length(leaf_hash) = 32)
);
COMMENT ON TABLE hashi.log_leaves IS
    'Leaf hashes of the Merkle tree over the events (RFC 9162, 2.1.1): SHA-256 of 0x00 and the body. Leaf index = position - 1.';

GRANT SELECT, INSERT, UPDATE ON hashi.checkpoints TO hashi_app;
GRANT SELECT, INSERT ON hashi.log_leaves TO hashi_app;
GRANT SELECT ON hashi.checkpoints, hashi.log_leaves TO hashi_reader;
