-- Who may do what. Roles belong to the whole server: another database, also at this moment, may have made them.

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['hashi_app', 'hashi_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- made by another database at this moment
            END;
        END IF;
    END LOOP;
    IF NOT pg_has_role(current_user, 'hashi_app', 'SET') THEN
        EXECUTE format('GRANT hashi_app TO %I', current_user);
    END IF;
END $$;

GRANT USAGE ON SCHEMA hashi TO hashi_app, hashi_reader;

GRANT SELECT ON hashi.events, hashi.case_overview, hashi.refusals TO hashi_app, hashi_reader;
GRANT SELECT ON hashi.referrals, hashi.clock, hashi.alembic_version TO hashi_app;
GRANT SELECT, INSERT ON hashi.commands, hashi.documents TO hashi_app;
GRANT INSERT ON hashi.refusals TO hashi_app;
GRANT SELECT, INSERT, UPDATE ON hashi.organizations, hashi.people, hashi.api_keys TO hashi_app;
GRANT USAGE ON SEQUENCE hashi.case_numbers TO hashi_app;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA hashi FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hashi.now() TO hashi_app;
GRANT EXECUTE ON FUNCTION hashi.move_clock(timestamptz, boolean) TO hashi_app;
GRANT EXECUTE ON FUNCTION hashi.append(text[], int[], text[], int[], bytea[], jsonb[], jsonb[]) TO hashi_app;
GRANT EXECUTE ON FUNCTION hashi.restate(text, int, jsonb) TO hashi_app;
