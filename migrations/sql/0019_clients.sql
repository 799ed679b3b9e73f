-- Programs that come with access tokens: clients of our own token endpoint, and those of other issuers.

CREATE TABLE hashi.clients (
    client_id text NOT NULL,
    issuer text,
    subject text NOT NULL,
    person_id text NOT NULL,
    label text NOT NULL,
    scopes text[] NOT NULL,
    jwks jsonb,
    created_at timestamptz DEFAULT hashi.now() NOT NULL,
    revoked_at timestamptz,
    last_used_at timestamptz,
    CONSTRAINT pk_clients PRIMARY KEY (client_id),
    CONSTRAINT fk_clients_person_id FOREIGN KEY (person_id) REFERENCES hashi.people (person_id),
    CONSTRAINT ck_clients_issuer CHECK ((issuer IS NULL) = (jwks IS NOT NULL))
);
CREATE UNIQUE INDEX ix_clients_issuer_subject ON hashi.clients (coalesce(issuer, ''), subject)
    WHERE revoked_at IS NULL;
CREATE INDEX ix_clients_person_id ON hashi.clients (person_id);
COMMENT ON TABLE hashi.clients IS
    'OAuth clients: of our own token endpoint (issuer NULL, with public keys), or subjects of another issuer.';

CREATE TABLE hashi.assertions (
    client_id text NOT NULL,
    jti_hash bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT pk_assertions PRIMARY KEY (client_id, jti_hash),
    CONSTRAINT fk_assertions_client_id FOREIGN KEY (client_id) REFERENCES hashi.clients (client_id)
);
CREATE INDEX ix_assertions_expires_at ON hashi.assertions (expires_at);
COMMENT ON TABLE hashi.assertions IS 'Assertions that were used, until they expire: none counts twice.';

GRANT SELECT, INSERT, UPDATE ON hashi.clients TO hashi_app;
GRANT SELECT, INSERT, DELETE ON hashi.assertions TO hashi_app;

-- An erased person comes in by nothing any more.
CREATE OR REPLACE FUNCTION hashi.purge_person(of_person text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE hashi.people SET name = '〔消去済み erased〕' WHERE person_id = of_person;
    UPDATE hashi.contacts SET sealed_email = NULL, mode = 'off' WHERE person_id = of_person;
    UPDATE hashi.api_keys SET revoked_at = coalesce(revoked_at, hashi.now()) WHERE person_id = of_person;
    UPDATE hashi.clients SET revoked_at = coalesce(revoked_at, hashi.now()) WHERE person_id = of_person;
$$;
