-- Who is away, and who stands in.

CREATE TABLE hashi.absences (
    person_id text NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    substitute_id text,
    CONSTRAINT pk_absences PRIMARY KEY (person_id, starts_on),
    CONSTRAINT fk_absences_person_id FOREIGN KEY (person_id) REFERENCES hashi.people (person_id),
    CONSTRAINT fk_absences_substitute_id FOREIGN KEY (substitute_id) REFERENCES hashi.people (person_id),
    CONSTRAINT ck_absences_ends_on CHECK (ends_on >= starts_on)
);
COMMENT ON TABLE hashi.absences IS 'Days on which people are away, and who is told instead of them.';

GRANT SELECT, INSERT, UPDATE, DELETE ON hashi.absences TO hashi_app;
