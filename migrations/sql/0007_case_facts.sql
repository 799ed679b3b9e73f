-- What statistics count: one row a case, written by the relay behind the events.

CREATE TABLE hashi.case_facts (
    case_id text NOT NULL,
    version integer NOT NULL,
    position bigint NOT NULL,
    origin text NOT NULL,
    fiscal_year integer NOT NULL,
    field_codes text[] NOT NULL,
    company_id text,
    institution_id text,
    status text NOT NULL,
    disposition text,
    reason_code text,
    furthest_stage text NOT NULL,
    stages text[] NOT NULL,
    entered_at timestamptz[] NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    CONSTRAINT pk_case_facts PRIMARY KEY (case_id)
);
CREATE INDEX ix_case_facts_fiscal_year ON hashi.case_facts (fiscal_year);
COMMENT ON TABLE hashi.case_facts IS
    'One row a case for statistics, derived from its events by the relay. No names, no texts.';

GRANT SELECT, INSERT, UPDATE ON hashi.case_facts TO hashi_app;
GRANT SELECT ON hashi.case_facts TO hashi_reader;
