-- Tiles and checkpoints of the transparency log, and the keys that signed them.

CREATE TABLE hashi.log_tiles (
    level smallint NOT NULL,
    number bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT pk_log_tiles PRIMARY KEY (level, number),
    CONSTRAINT ck_log_tiles_hash CHECK (length(hash) = 32)
);
COMMENT ON TABLE hashi.log_tiles IS
    'Hashes of the full tiles of the log, 256 hashes of the level below each (C2SP tlog-tiles).';

CREATE TABLE hashi.log_checkpoints (
    size bigint NOT NULL,
    note bytea NOT NULL,
    sealed_at timestamptz DEFAULT hashi.now() NOT NULL,
    CONSTRAINT pk_log_checkpoints PRIMARY KEY (size),
    CONSTRAINT ck_log_checkpoints_size CHECK (size > 0)
);
COMMENT ON TABLE hashi.log_checkpoints IS
    'Signed heads of the log, as they are handed out (C2SP tlog-checkpoint).';

CREATE TABLE hashi.log_keys (
    vkey text NOT NULL,
    first_used_at timestamptz DEFAULT hashi.now() NOT NULL,
    CONSTRAINT pk_log_keys PRIMARY KEY (vkey)
);
COMMENT ON TABLE hashi.log_keys IS
    'Verifier keys that signed a checkpoint here; a help for finding them, no proof of whose they are.';

GRANT SELECT, INSERT ON hashi.log_tiles, hashi.log_checkpoints, hashi.log_keys TO hashi_app;
GRANT SELECT ON hashi.log_tiles, hashi.log_checkpoints, hashi.log_keys TO hashi_reader;
