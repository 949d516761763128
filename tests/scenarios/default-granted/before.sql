-- Making a partition runs code that hangs on the referenced table; detaching one does not.
CREATE FUNCTION code(integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
ALTER FUNCTION code(integer) OWNER TO scenario_default_granted;
CREATE TABLE kinds (id integer PRIMARY KEY);
CREATE INDEX ON kinds (code(id));
CREATE TABLE events (at timestamptz NOT NULL, kind integer REFERENCES kinds) PARTITION BY RANGE (at);
CREATE TABLE events_jan PARTITION OF events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE events_apr PARTITION OF events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
INSERT INTO events VALUES ('2026-01-05 00:00+00'), ('2026-03-05 00:00+00');
