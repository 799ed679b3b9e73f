-- The tables of the first release. store/tables.py says the same in Python, and a test compares the two.

CREATE TABLE hashi.clock (
    single boolean DEFAULT true NOT NULL,
    shifted_by interval DEFAULT '0'::interval NOT NULL,
    frozen_at timestamptz,
    movable boolean DEFAULT false NOT NULL,
    CONSTRAINT pk_clock PRIMARY KEY (single),
    CONSTRAINT ck_clock_single CHECK (single)
);
INSERT INTO hashi.clock DEFAULT VALUES;

-- The one clock of the system: contract.md, section 4.
CREATE FUNCTION hashi.now() RETURNS timestamptz LANGUAGE sql VOLATILE
RETURN (SELECT coalesce(frozen_at, clock_timestamp() + shifted_by) FROM hashi.clock);
COMMENT ON TABLE hashi.clock IS
    'hashi.now() is frozen_at, or the time of the server plus shifted_by; moved by hashi.move_clock alone.';

CREATE TABLE hashi.events (
    position bigint NOT NULL,
    stream text NOT NULL,
    version integer NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    schema_version integer NOT NULL,
    command_id text NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    body bytea NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (position),
    CONSTRAINT uq_events_event_id UNIQUE (event_id),
    CONSTRAINT uq_events_stream_version UNIQUE (stream, version),
    CONSTRAINT ck_events_position CHECK (position > 0),
    CONSTRAINT ck_events_version CHECK (version > 0)
);
CREATE INDEX ix_events_stream_command_id ON hashi.events (stream, command_id);
COMMENT ON TABLE hashi.events IS
    'Facts, for ever. body is the event in canonical JSON (RFC 8785); the other columns repeat what it says.';

CREATE TABLE hashi.case_overview (
    case_id text NOT NULL,
    case_no text NOT NULL,
    version integer NOT NULL,
    stage text NOT NULL,
    furthest_stage text NOT NULL,
    status text NOT NULL,
    disposition text,
    origin text NOT NULL,
    company_id text,
    coordinator_id text,
    title text,
    readers text[] NOT NULL,
    opened_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    next_due_at timestamptz,
    position bigint NOT NULL,
    CONSTRAINT pk_case_overview PRIMARY KEY (case_id)
);
CREATE INDEX ix_case_overview_next_due_at ON hashi.case_overview (next_due_at) WHERE next_due_at IS NOT NULL;
CREATE INDEX ix_case_overview_opened_at_case_id ON hashi.case_overview (opened_at, case_id);
CREATE INDEX ix_case_overview_readers ON hashi.case_overview USING gin (readers);
COMMENT ON TABLE hashi.case_overview IS
    'One row a case, derived from its events in the transaction that appends them.';

CREATE TABLE hashi.referrals (
    bank_id text NOT NULL,
    bank_reference text NOT NULL,
    case_id text NOT NULL,
    fingerprint bytea NOT NULL,
    CONSTRAINT pk_referrals PRIMARY KEY (bank_id, bank_reference)
);
CREATE INDEX ix_referrals_case_id ON hashi.referrals (case_id);
COMMENT ON TABLE hashi.referrals IS
    'The natural key of a referral, for ever.';

CREATE TABLE hashi.commands (
    command_id text NOT NULL,
    case_id text NOT NULL,
    name text NOT NULL,
    org_id text NOT NULL,
    sealed_body bytea NOT NULL,
    fingerprint bytea NOT NULL,
    received_at timestamptz DEFAULT hashi.now() NOT NULL,
    CONSTRAINT pk_commands PRIMARY KEY (command_id)
);
CREATE INDEX ix_commands_case_id ON hashi.commands (case_id);
COMMENT ON TABLE hashi.commands IS
    'Command bodies, encrypted; the engine carries their ids only.';

CREATE TABLE hashi.refusals (
    command_id text NOT NULL,
    case_id text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    org_id text NOT NULL,
    code text NOT NULL,
    problem jsonb NOT NULL,
    fingerprint bytea NOT NULL,
    refused_at timestamptz DEFAULT hashi.now() NOT NULL,
    CONSTRAINT pk_refusals PRIMARY KEY (command_id)
);
CREATE INDEX ix_refusals_case_id ON hashi.refusals (case_id);
COMMENT ON TABLE hashi.refusals IS
    'What was refused and why; a retry gets the same answer from here.';

CREATE TABLE hashi.organizations (
    org_id text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    prefecture text,
    country text NOT NULL,
    corporate_number text,
    indirect_rate text,
    payment_first boolean NOT NULL,
    CONSTRAINT pk_organizations PRIMARY KEY (org_id),
    CONSTRAINT uq_organizations_corporate_number UNIQUE (corporate_number)
);

CREATE TABLE hashi.people (
    person_id text NOT NULL,
    role text NOT NULL,
    org_id text NOT NULL,
    name text NOT NULL,
    CONSTRAINT pk_people PRIMARY KEY (person_id),
    CONSTRAINT fk_people_org_id FOREIGN KEY (org_id) REFERENCES hashi.organizations (org_id)
);

CREATE TABLE hashi.api_keys (
    key_id text NOT NULL,
    secret_hash bytea NOT NULL,
    person_id text NOT NULL,
    label text NOT NULL,
    created_at timestamptz DEFAULT hashi.now() NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT pk_api_keys PRIMARY KEY (key_id),
    CONSTRAINT fk_api_keys_person_id FOREIGN KEY (person_id) REFERENCES hashi.people (person_id)
);
CREATE INDEX ix_api_keys_person_id ON hashi.api_keys (person_id);

CREATE TABLE hashi.documents (
    document_id text NOT NULL,
    sha256 text NOT NULL,
    bytes bigint NOT NULL,
    media_type text NOT NULL,
    file_name text,
    org_id text NOT NULL,
    content bytea NOT NULL,
    created_at timestamptz DEFAULT hashi.now() NOT NULL,
    CONSTRAINT pk_documents PRIMARY KEY (document_id)
);

CREATE SEQUENCE hashi.case_numbers;
