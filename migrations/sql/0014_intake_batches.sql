-- Needs in bulk: uploaded tables and their rows, from the check to the last commit.

CREATE TABLE hashi.intake_batches (
    batch_id text NOT NULL,
    org_id text NOT NULL,
    person_id text NOT NULL,
    format text NOT NULL,
    encoding text,
    sha256 text NOT NULL,
    bytes bigint NOT NULL,
    content bytea NOT NULL,
    state text NOT NULL,
    created_at timestamptz DEFAULT hashi.now() NOT NULL,
    moved_at timestamptz NOT NULL,
    CONSTRAINT pk_intake_batches PRIMARY KEY (batch_id)
);
CREATE INDEX ix_intake_batches_moved_at ON hashi.intake_batches (moved_at);
COMMENT ON TABLE hashi.intake_batches IS
    'Tables of needs as they were uploaded, sealed under keys of their own; moved_at is when one last changed.';

CREATE TABLE hashi.intake_rows (
    batch_id text NOT NULL,
    number integer NOT NULL,
    reference text,
    case_id text,
    state text NOT NULL,
    sealed bytea NOT NULL,
    CONSTRAINT pk_intake_rows PRIMARY KEY (batch_id, number),
    CONSTRAINT fk_intake_rows_batch_id FOREIGN KEY (batch_id) REFERENCES hashi.intake_batches (batch_id)
);
CREATE INDEX ix_intake_rows_ready ON hashi.intake_rows (batch_id, number) WHERE state = 'ready';
CREATE INDEX ix_intake_rows_case_id ON hashi.intake_rows (case_id);
COMMENT ON TABLE hashi.intake_rows IS
    'The rows of uploaded tables: what became of each. Bodies and faults are sealed; a committed body is gone.';

GRANT SELECT, INSERT, UPDATE ON hashi.intake_batches, hashi.intake_rows TO hashi_app;
