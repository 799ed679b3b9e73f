-- One row an entry of the catalogue, written by the append beside the rows of cases.

CREATE TABLE hashi.entries (
    stream text NOT NULL,
    kind text NOT NULL,
    entry_id text NOT NULL,
    about text,
    standing text NOT NULL,
    due_command text,
    next_due_at timestamptz,
    body jsonb NOT NULL,
    version integer NOT NULL,
    position bigint NOT NULL,
    CONSTRAINT pk_entries PRIMARY KEY (stream)
);
CREATE INDEX ix_entries_kind_entry_id ON hashi.entries (kind, entry_id);
CREATE INDEX ix_entries_about ON hashi.entries (about) WHERE about IS NOT NULL;
CREATE INDEX ix_entries_next_due_at ON hashi.entries (next_due_at) WHERE next_due_at IS NOT NULL;
COMMENT ON TABLE hashi.entries IS
    'One row an entry of the catalogue or a dossier, derived from its events in the transaction that appends them.';

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
        updated_at = excluded.updated_at, next_due_at = excluded.next_due_at, position = excluded.position;
END $$;

GRANT SELECT ON hashi.entries TO hashi_app, hashi_reader;
