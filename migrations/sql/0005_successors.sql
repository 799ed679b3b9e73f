-- An organization that has merged names the one it goes on in.

ALTER TABLE hashi.organizations ADD COLUMN successor_id text;
ALTER TABLE hashi.organizations ADD CONSTRAINT fk_organizations_successor_id
    FOREIGN KEY (successor_id) REFERENCES hashi.organizations (org_id);
CREATE INDEX ix_organizations_successor_id ON hashi.organizations (successor_id) WHERE successor_id IS NOT NULL;
