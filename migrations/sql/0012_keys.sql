-- Keys: what each is for, which one it takes the place of, and when it was used last. Those that exist may do all.

ALTER TABLE hashi.api_keys
    ADD COLUMN scopes text[] DEFAULT ARRAY['all'] NOT NULL,
    ADD COLUMN replaces text,
    ADD COLUMN last_used_at timestamptz,
    ADD CONSTRAINT fk_api_keys_replaces FOREIGN KEY (replaces) REFERENCES hashi.api_keys (key_id);
CREATE INDEX ix_api_keys_replaces ON hashi.api_keys (replaces);
