-- Where lenders' events are pushed to, and what became of each.

CREATE TABLE hashi.endpoints (
    endpoint_id text NOT NULL,
    lender_id text NOT NULL,
    url text NOT NULL,
    payload text NOT NULL,
    status text NOT NULL,
    sealed_secrets bytea NOT NULL,
    cursor bigint NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    next_at timestamptz DEFAULT hashi.now() NOT NULL,
    failing_since timestamptz,
    failure text,
    verified_at timestamptz,
    created_at timestamptz DEFAULT hashi.now() NOT NULL,
    CONSTRAINT pk_endpoints PRIMARY KEY (endpoint_id)
);
CREATE INDEX ix_endpoints_lender_id ON hashi.endpoints (lender_id);
COMMENT ON TABLE hashi.endpoints IS
    'Webhooks of lenders. cursor is the last number of the feed that was taken over into deliveries.';

CREATE TABLE hashi.deliveries (
    endpoint_id text NOT NULL,
    number bigint NOT NULL,
    case_id text NOT NULL,
    status text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    next_at timestamptz DEFAULT hashi.now() NOT NULL,
    failure text,
    ended_at timestamptz,
    CONSTRAINT pk_deliveries PRIMARY KEY (endpoint_id, number),
    CONSTRAINT fk_deliveries_endpoint_id FOREIGN KEY (endpoint_id) REFERENCES hashi.endpoints (endpoint_id)
        ON DELETE CASCADE
);
CREATE INDEX ix_deliveries_endpoint_id_case_id_number ON hashi.deliveries (endpoint_id, case_id, number)
    WHERE status = 'waiting';
COMMENT ON TABLE hashi.deliveries IS
    'One row an event and endpoint: waiting, sent, withheld or dead. It holds numbers and faults, no content.';

GRANT SELECT, INSERT, UPDATE, DELETE ON hashi.endpoints, hashi.deliveries TO hashi_app;
