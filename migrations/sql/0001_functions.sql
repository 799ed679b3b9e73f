-- The functions of the first release: the clock's hand, the one writer of events, and the guard of what is written.

CREATE FUNCTION hashi.move_clock(to_moment timestamptz, frozen boolean) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    UPDATE hashi.clock
    SET frozen_at = CASE WHEN frozen THEN to_moment END,
        -- seconds, not days: a day of an interval is as long as the session's time zone says
        shifted_by = make_interval(secs => extract(epoch FROM to_moment - clock_timestamp())::double precision)
    WHERE movable;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this database''s clock does not move' USING ERRCODE = 'HS010';
    END IF;
    RETURN hashi.now();
END $$;

CREATE FUNCTION hashi.keep_events() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'events are kept for ever: % refused', TG_OP USING ERRCODE = 'HS001';
END $$;

-- Of statements, not of rows: a statement that would touch no row is refused too.
CREATE TRIGGER keep_events BEFORE UPDATE OR DELETE OR TRUNCATE ON hashi.events
FOR EACH STATEMENT EXECUTE FUNCTION hashi.keep_events();
ALTER TABLE hashi.events ENABLE ALWAYS TRIGGER keep_events;

-- One lock for all that writes events, so that positions are given in the order of commits.
CREATE FUNCTION hashi.take_turn() RETURNS void LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT pg_advisory_xact_lock(4919412001);
END;

CREATE FUNCTION hashi.put_overview(overview jsonb, at_version int, at_position bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO hashi.case_overview
    SELECT * FROM jsonb_populate_record(
        NULL::hashi.case_overview, overview || jsonb_build_object('version', at_version, 'position', at_position))
    ON CONFLICT (case_id) DO UPDATE SET
        case_no = excluded.case_no, version = excluded.version, stage = excluded.stage,
        furthest_stage = excluded.furthest_stage, status = excluded.status, disposition = excluded.disposition,
        origin = excluded.origin, company_id = excluded.company_id, coordinator_id = excluded.coordinator_id,
        title = excluded.title, readers = excluded.readers, opened_at = excluded.opened_at,
        updated_at = excluded.updated_at, next_due_at = excluded.next_due_at, position = excluded.position;
END $$;

-- What is wrong with the facts of one append, NULL if nothing: they must follow the version expected, belong to this
-- stream and command, and be recorded within five minutes of the one clock.
CREATE FUNCTION hashi.fault(facts jsonb[], of_stream text, of_command text, after_version int) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    earliest constant timestamptz := hashi.now() - interval '5 minutes';
    latest constant timestamptz := earliest + interval '10 minutes';
BEGIN
    RETURN (
        SELECT CASE
            WHEN count(*) = 0
              OR bool_or(fact ->> 'stream' IS DISTINCT FROM of_stream
                         OR fact ->> 'command_id' IS DISTINCT FROM of_command
                         OR (fact ->> 'version')::int IS DISTINCT FROM after_version + n) THEN 'disorder'
            WHEN bool_or((fact ->> 'recorded_at')::timestamptz NOT BETWEEN earliest AND latest) THEN 'clock'
        END
        FROM unnest(facts) WITH ORDINALITY AS given (fact, n)
    );
END $$;

-- The only writer of events, case_overview and referrals. One call takes a batch of appends, one element of each array
-- for each append; `bodies` holds the events of all in order, `event_counts` says how many belong to each. The columns
-- of an event are read out of its body, so that they cannot disagree with the bytes that are hashed.
-- Each append has its own outcome: `appended`, `duplicate` (this command is in this stream), `conflict` (`last_version`
-- is the actual one), `reference_taken` (`other` is the case that has the reference), `clock`, `disorder`; those not
-- appended change nothing. READ COMMITTED only: each statement must see the last commit once the lock is taken.
CREATE FUNCTION hashi.append(
    streams text[], expected_versions int[], command_ids text[], event_counts int[], bodies bytea[],
    overviews jsonb[], referrals jsonb[]
) RETURNS TABLE (item int, outcome text, first_version int, last_version int, last_position bigint, other text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    tail bigint;
    tail_before bigint;
    head int;
    begins int := 1;
    part bytea[];
    facts jsonb[];
BEGIN
    PERFORM hashi.take_turn();
    SELECT coalesce(max(position), 0) INTO tail FROM hashi.events;
    tail_before := tail;
    FOR place IN 1 .. cardinality(streams) LOOP
        item := place;
        last_position := NULL;
        other := NULL;
        part := bodies[begins : begins + event_counts[place] - 1];
        begins := begins + event_counts[place];

        SELECT min(version), max(version) INTO first_version, last_version FROM hashi.events
        WHERE stream = streams[place] AND command_id = command_ids[place];
        IF first_version IS NOT NULL THEN
            outcome := 'duplicate';
            RETURN NEXT;
            CONTINUE;
        END IF;

        SELECT held.case_id INTO other FROM hashi.referrals AS held
        WHERE held.bank_id = referrals[place] ->> 'bank_id'
          AND held.bank_reference = referrals[place] ->> 'bank_reference'
          AND held.case_id <> referrals[place] ->> 'case_id';
        IF FOUND THEN
            outcome := 'reference_taken';
            RETURN NEXT;
            CONTINUE;
        END IF;

        SELECT coalesce(max(version), 0) INTO head FROM hashi.events WHERE stream = streams[place];
        IF head <> expected_versions[place] THEN
            outcome := 'conflict';
            last_version := head;
            RETURN NEXT;
            CONTINUE;
        END IF;

        SELECT array_agg(convert_from(body, 'UTF8')::jsonb ORDER BY n) INTO facts
        FROM unnest(part) WITH ORDINALITY AS given (body, n);
        outcome := hashi.fault(facts, streams[place], command_ids[place], head);
        IF outcome IS NOT NULL THEN
            RETURN NEXT;
            CONTINUE;
        END IF;

        INSERT INTO hashi.events
        SELECT tail + n, streams[place], head + n, (fact ->> 'event_id')::uuid, fact ->> 'type',
               (fact ->> 'schema_version')::int, command_ids[place], (fact ->> 'occurred_at')::timestamptz,
               (fact ->> 'recorded_at')::timestamptz, body
        FROM unnest(facts, part) WITH ORDINALITY AS given (fact, body, n);
        outcome := 'appended';
        first_version := head + 1;
        last_version := head + event_counts[place];
        tail := tail + event_counts[place];
        last_position := tail;
        IF referrals[place] IS NOT NULL THEN
            INSERT INTO hashi.referrals (bank_id, bank_reference, case_id, fingerprint)
            SELECT held ->> 'bank_id', held ->> 'bank_reference', held ->> 'case_id',
                   decode(held ->> 'fingerprint', 'hex')
            FROM (SELECT referrals[place] AS held) AS given
            ON CONFLICT (bank_id, bank_reference) DO NOTHING;
        END IF;
        IF overviews[place] IS NOT NULL THEN
            PERFORM hashi.put_overview(overviews[place], last_version, tail);
        END IF;
        RETURN NEXT;
    END LOOP;
    IF tail > tail_before THEN
        PERFORM pg_notify('hashi_events', tail::text);
    END IF;
END $$;

-- Write a case's overview again without an event, for instance when a rule has changed; false and nothing written when
-- the stream has meanwhile left that version.
CREATE FUNCTION hashi.restate(of_stream text, at_version int, overview jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    head record;
BEGIN
    PERFORM hashi.take_turn();
    SELECT version, position INTO head FROM hashi.events WHERE stream = of_stream ORDER BY version DESC LIMIT 1;
    IF head.version IS DISTINCT FROM at_version THEN
        RETURN false;
    END IF;
    PERFORM hashi.put_overview(overview, head.version, head.position);
    RETURN true;
END $$;
