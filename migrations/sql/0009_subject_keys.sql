-- The data keys of cases, apart from the events they seal; wrapped by the master key, NULL once destroyed.

CREATE TABLE hashi.subject_keys (
    key_id text NOT NULL,
    subject text NOT NULL,
    number integer NOT NULL,
    wrapped bytea,
    created_at timestamptz DEFAULT hashi.now() NOT NULL,
    destroyed_at timestamptz,
    CONSTRAINT pk_subject_keys PRIMARY KEY (key_id),
    CONSTRAINT uq_subject_keys_subject_number UNIQUE (subject, number),
    CONSTRAINT ck_subject_keys_destroyed CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);
COMMENT ON TABLE hashi.subject_keys IS 'Data keys, wrapped by the master key; destroyed ones keep their row.';

GRANT SELECT, INSERT, UPDATE ON hashi.subject_keys TO hashi_app;
