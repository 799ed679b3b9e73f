-- The one writer again, at less cost: what is known of a batch comes as one document, the clock is read once a call, and
-- each body is looked into once. The commands of a stream are found by the hash of their id, in a third of the space.

DROP INDEX hashi.ix_events_stream_command_id;
CREATE INDEX ix_events_command_id ON hashi.events USING hash (command_id);

DROP FUNCTION hashi.append(text[], int[], text[], int[], bytea[], jsonb[], jsonb[]);
DROP FUNCTION hashi.fault(jsonb[], text, text, int);

-- The only writer of events, case_overview, entries and referrals. One call takes a batch of appends. `items` is an array
-- with {stream, expected, command, count, overview?, referral?} of each; `bodies` holds the events of all in order.
-- The columns of an event are read out of its body, so that they cannot disagree with the bytes that are hashed.
-- Each append has its own row, in order: `appended`, `duplicate` (this command is in this stream), `conflict`
-- (`last_version` is the actual one), `reference_taken` (`other` is the case that has the reference), `disorder` (the
-- facts do not follow the version expected, or are not of this stream and command), `clock` (they were not recorded
-- within five minutes of the one clock); those not appended change nothing. READ COMMITTED only: each statement must see
-- the last commit once the lock is taken.
CREATE FUNCTION hashi.append(items jsonb, bodies bytea[])
RETURNS TABLE (outcome text, first_version int, last_version int, last_position bigint, other text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    moment timestamptz;
    tail bigint;
    tail_before bigint;
    head int;
    begins int := 1;
    of_stream text;
    expected int;
    of_command text;
    count_of int;
    overview jsonb;
    referral jsonb;
    part bytea[];
    facts jsonb[];
BEGIN
    PERFORM hashi.take_turn();
    SELECT hashi.now(), coalesce(max(position), 0), coalesce(max(position), 0) INTO moment, tail, tail_before
    FROM hashi.events;
    FOR of_stream, expected, of_command, count_of, overview, referral IN
        SELECT * FROM jsonb_to_recordset(items)
            AS given (stream text, expected int, command text, count int, overview jsonb, referral jsonb)
    LOOP
        last_position := NULL;
        other := NULL;
        part := bodies[begins : begins + count_of - 1];
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

        IF head <> expected THEN
            outcome := 'conflict';
            last_version := head;
            RETURN NEXT;
            CONTINUE;
        END IF;

        SELECT array_agg(fact ORDER BY n), CASE
            WHEN count(*) = 0
              OR bool_or(fact ->> 'stream' IS DISTINCT FROM of_stream
                         OR fact ->> 'command_id' IS DISTINCT FROM of_command
                         OR (fact ->> 'version')::int IS DISTINCT FROM head + n) THEN 'disorder'
            WHEN bool_or((fact ->> 'recorded_at')::timestamptz
                         NOT BETWEEN moment - interval '5 minutes' AND moment + interval '5 minutes') THEN 'clock'
        END INTO facts, outcome
        FROM (
            SELECT convert_from(body, 'UTF8')::jsonb AS fact, n FROM unnest(part) WITH ORDINALITY AS given (body, n)
            OFFSET 0  -- so that each body is read once, not once for each mention of a fact
        ) AS read;
        IF outcome IS NOT NULL THEN
            RETURN NEXT;
            CONTINUE;
        END IF;

        INSERT INTO hashi.events
        SELECT tail + n, of_stream, head + n, (fact ->> 'event_id')::uuid, fact ->> 'type',
               (fact ->> 'schema_version')::int, of_command, (fact ->> 'occurred_at')::timestamptz,
               (fact ->> 'recorded_at')::timestamptz, body
        FROM unnest(facts, part) WITH ORDINALITY AS given (fact, body, n);
        outcome := 'appended';
        first_version := head + 1;
        last_version := head + count_of;
        tail := tail + count_of;
        last_position := tail;
        IF referral IS NOT NULL THEN
            INSERT INTO hashi.referrals (bank_id, bank_reference, case_id, fingerprint)
            VALUES (referral ->> 'bank_id', referral ->> 'bank_reference', referral ->> 'case_id',
                    decode(referral ->> 'fingerprint', 'hex'))
            ON CONFLICT (bank_id, bank_reference) DO NOTHING;
        END IF;
        IF overview IS NOT NULL THEN
            PERFORM hashi.put_overview(overview, last_version, tail);
        END IF;
        RETURN NEXT;
    END LOOP;
    IF tail > tail_before THEN
        PERFORM pg_notify('hashi_events', tail::text);
    END IF;
END $$;

REVOKE EXECUTE ON FUNCTION hashi.append(jsonb, bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hashi.append(jsonb, bytea[]) TO hashi_app;
