-- Who read what: every read by lenders and auditors, for the company to see.

CREATE TABLE hashi.reads (
    read_id bigint GENERATED ALWAYS AS IDENTITY,
    read_at timestamptz DEFAULT hashi.now() NOT NULL,
    role text NOT NULL,
    org_id text NOT NULL,
    person_id text NOT NULL,
    address text NOT NULL,
    case_ids text[] NOT NULL,
    CONSTRAINT pk_reads PRIMARY KEY (read_id)
);
CREATE INDEX ix_reads_case_ids ON hashi.reads USING gin (case_ids);
COMMENT ON TABLE hashi.reads IS
    'The access log: written before the answer goes out, by the gateway. It holds addresses and ids, no content.';

GRANT SELECT, INSERT ON hashi.reads TO hashi_app;
GRANT SELECT ON hashi.reads TO hashi_reader;
