-- People at a browser: local accounts, identities elsewhere, sessions, and what slows guessing down.

CREATE TABLE hashi.accounts (
    person_id text NOT NULL,
    password_hash text,
    sealed_totp bytea,
    last_step bigint,
    invitation_hash bytea,
    invited_until timestamptz,
    offered_totp bytea,
    created_at timestamptz DEFAULT hashi.now() NOT NULL,
    CONSTRAINT pk_accounts PRIMARY KEY (person_id),
    CONSTRAINT fk_accounts_person_id FOREIGN KEY (person_id) REFERENCES hashi.people (person_id),
    CONSTRAINT uq_accounts_invitation_hash UNIQUE (invitation_hash),
    CONSTRAINT ck_accounts_password_hash CHECK ((password_hash IS NULL) = (sealed_totp IS NULL))
);
COMMENT ON TABLE hashi.accounts IS
    'Local accounts: Argon2id of the password, sealed TOTP secrets, the last time step that was used.';

CREATE TABLE hashi.identities (
    issuer text NOT NULL,
    subject text NOT NULL,
    person_id text NOT NULL,
    bound_at timestamptz DEFAULT hashi.now() NOT NULL,
    CONSTRAINT pk_identities PRIMARY KEY (issuer, subject),
    CONSTRAINT fk_identities_person_id FOREIGN KEY (person_id) REFERENCES hashi.people (person_id)
);
CREATE INDEX ix_identities_person_id ON hashi.identities (person_id);
COMMENT ON TABLE hashi.identities IS
    'Whom an OpenID Connect issuer''s subject stands for, as an administrator bound it.';

CREATE TABLE hashi.sessions (
    session_id text NOT NULL,
    secret_hash bytea NOT NULL,
    person_id text NOT NULL,
    method text NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT pk_sessions PRIMARY KEY (session_id),
    CONSTRAINT fk_sessions_person_id FOREIGN KEY (person_id) REFERENCES hashi.people (person_id)
);
CREATE INDEX ix_sessions_person_id ON hashi.sessions (person_id);
COMMENT ON TABLE hashi.sessions IS 'Who is signed in: the SHA-256 of the cookie''s secret, never the secret.';

CREATE TABLE hashi.pauses (
    name_hash bytea NOT NULL,
    device text NOT NULL,
    attempts integer NOT NULL,
    until timestamptz NOT NULL,
    CONSTRAINT pk_pauses PRIMARY KEY (name_hash, device)
);
CREATE INDEX ix_pauses_until ON hashi.pauses (until);
COMMENT ON TABLE hashi.pauses IS
    'Attempts to sign in since the last that succeeded, by name and known device, and when the next may come.';

GRANT SELECT, INSERT, UPDATE, DELETE ON hashi.accounts, hashi.identities, hashi.pauses TO hashi_app;
GRANT SELECT, INSERT, UPDATE ON hashi.sessions TO hashi_app;

-- Whoever is erased or leaves comes in by nothing any more.
CREATE FUNCTION hashi.shut_out(of_person text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE hashi.api_keys SET revoked_at = coalesce(revoked_at, hashi.now()) WHERE person_id = of_person;
    UPDATE hashi.clients SET revoked_at = coalesce(revoked_at, hashi.now()) WHERE person_id = of_person;
    UPDATE hashi.sessions SET ended_at = coalesce(ended_at, hashi.now()) WHERE person_id = of_person;
    DELETE FROM hashi.accounts WHERE person_id = of_person;
    DELETE FROM hashi.identities WHERE person_id = of_person;
$$;
REVOKE EXECUTE ON FUNCTION hashi.shut_out(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hashi.shut_out(text) TO hashi_app;

CREATE OR REPLACE FUNCTION hashi.purge_person(of_person text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE hashi.people SET name = '〔消去済み erased〕' WHERE person_id = of_person;
    UPDATE hashi.contacts SET sealed_email = NULL, mode = 'off' WHERE person_id = of_person;
    SELECT hashi.shut_out(of_person);
$$;
