-- Banks, lenders and all others outside of the center are kept apart in the database too. A query for one of them runs
-- as hashi_reader, which sees a row only if a key of the reader, in the transaction's own setting hashi.reader, opens it;
-- without the setting it sees none. The application decides and writes as hashi_app, which sees all rows.

DO $$
BEGIN
    IF NOT pg_has_role('hashi_app', 'hashi_reader', 'SET') THEN
        GRANT hashi_reader TO hashi_app WITH INHERIT FALSE, SET TRUE;
    END IF;
EXCEPTION
    WHEN unique_violation THEN
        NULL;  -- granted by another database at this moment
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'hashi_app may not become hashi_reader, and this owner may not let it'
            USING HINT = 'as a superuser: GRANT hashi_reader TO hashi_app WITH INHERIT FALSE, SET TRUE';
END $$;

CREATE FUNCTION hashi.reader() RETURNS text[] LANGUAGE sql STABLE
RETURN nullif(current_setting('hashi.reader', true), '')::text[];
COMMENT ON FUNCTION hashi.reader() IS 'The keys of the reader this transaction reads for; NULL: nobody.';
REVOKE EXECUTE ON FUNCTION hashi.reader() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hashi.reader(), hashi.now() TO hashi_reader;

REVOKE SELECT ON hashi.refusals, hashi.case_facts, hashi.feed_lenders FROM hashi_reader;
GRANT SELECT ON hashi.documents, hashi.notices, hashi.intake_batches, hashi.intake_rows, hashi.clock TO hashi_reader;
GRANT SELECT (org_id, successor_id) ON hashi.organizations TO hashi_reader;

ALTER TABLE hashi.case_overview ENABLE ROW LEVEL SECURITY;
ALTER TABLE hashi.entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE hashi.events ENABLE ROW LEVEL SECURITY;
ALTER TABLE hashi.documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE hashi.notices ENABLE ROW LEVEL SECURITY;
ALTER TABLE hashi.reads ENABLE ROW LEVEL SECURITY;
ALTER TABLE hashi.feed ENABLE ROW LEVEL SECURITY;
ALTER TABLE hashi.feed_reach ENABLE ROW LEVEL SECURITY;
ALTER TABLE hashi.intake_batches ENABLE ROW LEVEL SECURITY;
ALTER TABLE hashi.intake_rows ENABLE ROW LEVEL SECURITY;

CREATE POLICY application ON hashi.case_overview TO hashi_app USING (true);
CREATE POLICY application ON hashi.entries TO hashi_app USING (true);
CREATE POLICY application ON hashi.events TO hashi_app USING (true);
CREATE POLICY application ON hashi.documents TO hashi_app USING (true);
CREATE POLICY application ON hashi.notices TO hashi_app USING (true);
CREATE POLICY application ON hashi.reads TO hashi_app USING (true);
CREATE POLICY application ON hashi.feed TO hashi_app USING (true);
CREATE POLICY application ON hashi.feed_reach TO hashi_app USING (true);
CREATE POLICY application ON hashi.intake_batches TO hashi_app USING (true);
CREATE POLICY application ON hashi.intake_rows TO hashi_app USING (true);

-- A policy that looks into another table sees of it what the reader may see. It asks with a scalar subquery, not with
-- EXISTS: that the planner may turn into a hash of all the cases of a reader, for one row.
CREATE POLICY reader ON hashi.case_overview TO hashi_reader
USING (readers && hashi.reader());

CREATE POLICY reader ON hashi.entries TO hashi_reader
USING (CASE WHEN about IS NULL THEN hashi.reader() IS NOT NULL
            ELSE 'lender:' || coalesce((SELECT successor_id FROM hashi.organizations WHERE org_id = body ->> 'lender_id'),
                                       body ->> 'lender_id') = ANY (hashi.reader())
              OR (SELECT 'company:' || held.company_id = ANY (hashi.reader())
                  FROM hashi.case_overview AS held WHERE held.case_id = about) END);

CREATE POLICY reader ON hashi.events TO hashi_reader
USING (CASE WHEN starts_with(stream, 'case-')
            THEN (SELECT true FROM hashi.case_overview AS held WHERE held.case_id = substr(stream, 6))
            ELSE (SELECT true FROM hashi.entries AS held WHERE held.stream = events.stream) END);

CREATE POLICY reader ON hashi.documents TO hashi_reader
USING ('org:' || org_id = ANY (hashi.reader()));

CREATE POLICY reader ON hashi.notices TO hashi_reader
USING ('self:' || person_id = ANY (hashi.reader()));

CREATE POLICY reader ON hashi.reads TO hashi_reader
USING (case_ids && ARRAY(SELECT held.case_id FROM hashi.case_overview AS held WHERE held.case_id = ANY (case_ids)));

CREATE POLICY reader ON hashi.feed TO hashi_reader
USING ('lender:' || lender_id = ANY (hashi.reader()));

CREATE POLICY reader ON hashi.feed_reach TO hashi_reader
USING ('lender:' || lender_id = ANY (hashi.reader()));

CREATE POLICY reader ON hashi.intake_batches TO hashi_reader
USING ('org:' || org_id = ANY (hashi.reader()));

CREATE POLICY reader ON hashi.intake_rows TO hashi_reader
USING ((SELECT true FROM hashi.intake_batches AS held WHERE held.batch_id = intake_rows.batch_id));
