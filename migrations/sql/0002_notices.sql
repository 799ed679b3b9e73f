-- Notices to people: addresses, sealed, and the outbox of mail.

CREATE TABLE hashi.contacts (
    person_id text NOT NULL,
    sealed_email bytea,
    mode text NOT NULL,
    CONSTRAINT pk_contacts PRIMARY KEY (person_id),
    CONSTRAINT fk_contacts_person_id FOREIGN KEY (person_id) REFERENCES hashi.people (person_id)
);
COMMENT ON TABLE hashi.contacts IS 'How people are reached: sealed addresses, and when mail goes to them.';

CREATE TABLE hashi.notices (
    notice_id text NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    person_id text NOT NULL,
    kind text NOT NULL,
    case_id text NOT NULL,
    subject text,
    answers text[] NOT NULL,
    link_hash bytea,
    created_at timestamptz NOT NULL,
    due_at timestamptz,
    attempts integer DEFAULT 0 NOT NULL,
    sent_at timestamptz,
    failed_at timestamptz,
    failure text,
    answered_at timestamptz,
    CONSTRAINT pk_notices PRIMARY KEY (notice_id),
    CONSTRAINT fk_notices_person_id FOREIGN KEY (person_id) REFERENCES hashi.people (person_id),
    CONSTRAINT uq_notices_link_hash UNIQUE (link_hash)
);
CREATE INDEX ix_notices_person_id_number ON hashi.notices (person_id, number);
CREATE INDEX ix_notices_due_at ON hashi.notices (due_at)
    WHERE sent_at IS NULL AND failed_at IS NULL AND due_at IS NOT NULL;
COMMENT ON TABLE hashi.notices IS
    'Who is told of which event; the outbox of mail. It holds kinds and ids, no content.';

GRANT SELECT, INSERT, UPDATE ON hashi.contacts, hashi.notices TO hashi_app;
