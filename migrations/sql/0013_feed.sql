-- What lenders follow: the events of a company that consents, under numbers of each lender's own, given once.

-- The consents to lending evaluation that were not withdrawn. A row from before has NULL, which shows nothing:
-- `hashi db rebuild case_overview` fills it.
ALTER TABLE hashi.case_overview ADD COLUMN lending jsonb;

CREATE OR REPLACE FUNCTION hashi.put_overview(overview jsonb, at_version int, at_position bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    given constant jsonb := overview || jsonb_build_object('version', at_version, 'position', at_position);
BEGIN
    IF overview ? 'stream' THEN
        INSERT INTO hashi.entries SELECT * FROM jsonb_populate_record(NULL::hashi.entries, given)
        ON CONFLICT (stream) DO UPDATE SET
            about = excluded.about, standing = excluded.standing, due_command = excluded.due_command,
            next_due_at = excluded.next_due_at, body = excluded.body, version = excluded.version,
            position = excluded.position;
        RETURN;
    END IF;
    INSERT INTO hashi.case_overview SELECT * FROM jsonb_populate_record(NULL::hashi.case_overview, given)
    ON CONFLICT (case_id) DO UPDATE SET
        case_no = excluded.case_no, version = excluded.version, stage = excluded.stage,
        furthest_stage = excluded.furthest_stage, status = excluded.status, disposition = excluded.disposition,
        origin = excluded.origin, company_id = excluded.company_id, coordinator_id = excluded.coordinator_id,
        title = excluded.title, readers = excluded.readers, opened_at = excluded.opened_at,
        updated_at = excluded.updated_at, next_due_at = excluded.next_due_at, position = excluded.position,
        lending = excluded.lending;
END $$;

CREATE TABLE hashi.feed (
    lender_id text NOT NULL,
    number bigint NOT NULL,
    position bigint NOT NULL,
    case_id text NOT NULL,
    CONSTRAINT pk_feed PRIMARY KEY (lender_id, number),
    CONSTRAINT uq_feed_lender_id_position UNIQUE (lender_id, position)
);
COMMENT ON TABLE hashi.feed IS
    'Which event has which number in a lender''s feed; numbers count from 1 without a gap and are for ever.';

CREATE TABLE hashi.feed_reach (
    lender_id text NOT NULL,
    case_id text NOT NULL,
    version integer NOT NULL,
    CONSTRAINT pk_feed_reach PRIMARY KEY (lender_id, case_id)
);
COMMENT ON TABLE hashi.feed_reach IS 'Up to which version the events of a case were looked at for a lender.';

CREATE TABLE hashi.feed_lenders (
    lender_id text NOT NULL,
    since bigint NOT NULL,
    CONSTRAINT pk_feed_lenders PRIMARY KEY (lender_id)
);
COMMENT ON TABLE hashi.feed_lenders IS
    'Lenders who were given what had been opened to all lenders before they were known; since which position.';

GRANT SELECT, INSERT ON hashi.feed, hashi.feed_lenders TO hashi_app;
GRANT SELECT, INSERT, UPDATE ON hashi.feed_reach TO hashi_app;
GRANT SELECT ON hashi.feed, hashi.feed_reach, hashi.feed_lenders TO hashi_reader;
