-- The data keys of cases, apart from the events they seal; wrapped by the master key, NULL once destroyed.

CREATE TABLE hashi.subject_keys (
    key_id text NOT NULL,
    subject text NOT NULL,
    number integer NOT NULL,
    wrapped bytea,
    created_at timestamptz DEFAULT hashi.now() NOT NULL,
    destroyed_at timestamptz,
    CONSTRAINT pk_subject_keys PRIMARY KEY (key_id),
    CONSTRAINT uq_subject_keys_subject_number UNIQUE (subject, number),
    CONSTRAINT ck_subject_keys_destroyed CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);
COMMENT ON TABLE hashi.subject_keys IS 'Data keys, wrapped by the master key; destroyed ones keep their row.';

GRANT SELECT, INSERT, UPDATE ON hashi.subject_keys TO hashi_app;

-- Purge every copy of a case's confidential texts beside the sealed ones: bodies of its commands, what was refused and
-- why, and the content of the documents it cites. What is left are ids, fingerprints and hashes.
CREATE FUNCTION hashi.purge_case(of_case text, of_documents text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE hashi.commands SET sealed_body = ''::bytea WHERE case_id = of_case AND name <> 'DecideErasure';
    DELETE FROM hashi.refusals WHERE case_id = of_case;
    UPDATE hashi.documents SET content = ''::bytea, file_name = NULL WHERE document_id = ANY (of_documents);
$$;

-- Purge what is known of a person beside their id.
CREATE FUNCTION hashi.purge_person(of_person text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE hashi.people SET name = '〔消去済み erased〕' WHERE person_id = of_person;
    UPDATE hashi.contacts SET sealed_email = NULL, mode = 'off' WHERE person_id = of_person;
    UPDATE hashi.api_keys SET revoked_at = coalesce(revoked_at, hashi.now()) WHERE person_id = of_person;
$$;

REVOKE EXECUTE ON FUNCTION hashi.purge_case(text, text[]), hashi.purge_person(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hashi.purge_case(text, text[]), hashi.purge_person(text) TO hashi_app;
