-- How much each key asked for: gateways count together. Unlogged: after a crash everybody begins anew.

CREATE UNLOGGED TABLE hashi.quotas (
    key_id text NOT NULL,
    slot bigint NOT NULL,
    used bigint NOT NULL,
    CONSTRAINT pk_quotas PRIMARY KEY (key_id)
);
COMMENT ON TABLE hashi.quotas IS
    'How much each key asked for in the present window, for all gateways; not logged, a crash empties it.';

GRANT SELECT, INSERT, UPDATE ON hashi.quotas TO hashi_app;
