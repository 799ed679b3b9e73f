-- The one writer again, in fewer steps, and events without three columns that nobody asks for: 32 bytes of each event.
-- What they said stands in the body, whose bytes are what is kept. A new row is laid out by what is left.

ALTER TABLE hashi.events DROP COLUMN type, DROP COLUMN schema_version, DROP COLUMN occurred_at;
COMMENT ON TABLE hashi.events IS
    'Facts, for ever. body is the event in canonical JSON (RFC 8785); the other columns repeat what is looked for in it.';

-- The only writer of events, case_overview, entries and referrals. One call takes a batch of appends. `items` is an array
-- with {stream, expected, command, count, overview?, referral?} of each; `bodies` holds the events of all in order.
-- The columns of an event are read out of its body, so that they cannot disagree with the bytes that are hashed.
-- Each append has its own row, in order: `appended`, `duplicate` (this command is in this stream), `conflict`
-- (`last_version` is the actual one), `reference_taken` (`other` is the case that has the reference), `disorder` (the
-- facts do not follow the version expected, or are not of this stream and command), `clock` (they were not recorded
-- within five minutes of the one clock); those not appended change nothing. READ COMMITTED only: each statement must see
-- the last commit once the lock is taken.
-- What is no query of its own (an assignment, IF) costs plpgsql a tenth of one, hence the loops; and the clock is read
-- where the last position is, since hashi.now() would be another query.
CREATE OR REPLACE FUNCTION hashi.append(items jsonb, bodies bytea[])
RETURNS TABLE (outcome text, first_version int, last_version int, last_position bigint, other text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    moment timestamptz;
    tail bigint;
    tail_before bigint;
    head int;
    begins int := 0;
    item jsonb;
    of_stream text;
    of_command text;
    count_of int;
    referral jsonb;
    fact jsonb;
    recorded timestamptz;
    facts jsonb[];
BEGIN
    PERFORM pg_advisory_xact_lock(4919412001);  -- as hashi.take_turn()
    SELECT coalesce(frozen_at, clock_timestamp() + shifted_by),
           coalesce((SELECT position FROM hashi.events ORDER BY position DESC LIMIT 1), 0)
    INTO moment, tail FROM hashi.clock;
    tail_before := tail;
    FOR place IN 0 .. jsonb_array_length(items) - 1 LOOP
        item := items -> place;
        of_stream := item ->> 'stream';
        of_command := item ->> 'command';
        count_of := (item ->> 'count')::int;
        referral := item -> 'referral';
        last_position := NULL;
        other := NULL;
        begins := begins + count_of;

        SELECT min(version), max(version),
               coalesce((SELECT version FROM hashi.events WHERE stream = of_stream ORDER BY version DESC LIMIT 1), 0)
        INTO first_version, last_version, head
        FROM hashi.events WHERE stream = of_stream AND command_id = of_command;
        IF first_version IS NOT NULL THEN
            outcome := 'duplicate';
            RETURN NEXT;
            CONTINUE;
        END IF;

        IF referral IS NOT NULL THEN
            SELECT held.case_id INTO other FROM hashi.referrals AS held
            WHERE held.bank_id = referral ->> 'bank_id'
              AND held.bank_reference = referral ->> 'bank_reference'
              AND held.case_id <> referral ->> 'case_id';
            IF FOUND THEN
                outcome := 'reference_taken';
                RETURN NEXT;
                CONTINUE;
            END IF;
        END IF;

        IF head <> (item ->> 'expected')::int THEN
            outcome := 'conflict';
            last_version := head;
            RETURN NEXT;
            CONTINUE;
        END IF;

        outcome := CASE WHEN count_of > 0 THEN 'appended' ELSE 'disorder' END;
        facts := '{}';
        FOR n IN 1 .. count_of LOOP
            fact := convert_from(bodies[begins - count_of + n], 'UTF8')::jsonb;
            facts[n] := fact;
            IF fact ->> 'stream' IS DISTINCT FROM of_stream OR fact ->> 'command_id' IS DISTINCT FROM of_command
               OR (fact ->> 'version')::int IS DISTINCT FROM head + n THEN
                outcome := 'disorder';
            ELSIF outcome = 'appended' AND (fact ->> 'recorded_at')::timestamptz
                  NOT BETWEEN moment - interval '5 minutes' AND moment + interval '5 minutes' THEN
                outcome := 'clock';
            END IF;
        END LOOP;
        IF outcome <> 'appended' THEN
            RETURN NEXT;
            CONTINUE;
        END IF;

        FOR n IN 1 .. count_of LOOP
            fact := facts[n];
            tail := tail + 1;
            INSERT INTO hashi.events (position, stream, version, event_id, command_id, recorded_at, body)
            VALUES (tail, of_stream, head + n, (fact ->> 'event_id')::uuid, of_command,
                    (fact ->> 'recorded_at')::timestamptz, bodies[begins - count_of + n]);
        END LOOP;
        first_version := head + 1;
        last_version := head + count_of;
        last_position := tail;
        IF referral IS NOT NULL THEN
            INSERT INTO hashi.referrals (bank_id, bank_reference, case_id, fingerprint)
            VALUES (referral ->> 'bank_id', referral ->> 'bank_reference', referral ->> 'case_id',
                    decode(referral ->> 'fingerprint', 'hex'))
            ON CONFLICT (bank_id, bank_reference) DO NOTHING;
        END IF;
        IF item ? 'overview' THEN
            PERFORM hashi.put_overview(item -> 'overview', last_version, tail);
        END IF;
        RETURN NEXT;
    END LOOP;
    IF tail > tail_before THEN
        PERFORM pg_notify('hashi_events', tail::text);
    END IF;
END $$;
