-- Of detached tables: no stamp, the grace is over, the grace runs, the grace ends now, a row of another table's policy.
CREATE TABLE towns (id integer PRIMARY KEY);
CREATE TABLE events (at timestamptz NOT NULL, town integer REFERENCES towns) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE unstamped PARTITION OF events FOR VALUES FROM ('2025-09-01 00:00+00') TO ('2025-10-01 00:00+00');
CREATE TABLE over PARTITION OF events FOR VALUES FROM ('2025-10-01 00:00+00') TO ('2025-11-01 00:00+00');
CREATE TABLE running PARTITION OF events FOR VALUES FROM ('2025-11-01 00:00+00') TO ('2025-12-01 00:00+00');
CREATE TABLE just PARTITION OF events FOR VALUES FROM ('2025-12-01 00:00+00') TO ('2026-01-01 00:00+00');
ALTER TABLE events DETACH PARTITION unstamped;
ALTER TABLE events DETACH PARTITION over;
ALTER TABLE events DETACH PARTITION running;
ALTER TABLE events DETACH PARTITION just;
CREATE FUNCTION pg_temp.mark(t regclass, from_ text, to_ text, tail text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('COMMENT ON TABLE %s IS %L', t, format('pgstrata: retired {"root":"public.events","root_oid":%s,"oid":%s,"from":"%s","to":"%s"%s}', 'events'::regclass::oid, t::oid, from_, to_, tail)); END $$;
SELECT pg_temp.mark('unstamped', '2025-09-01 00:00:00+00', '2025-10-01 00:00:00+00', '');
SELECT pg_temp.mark('over', '2025-10-01 00:00:00+00', '2025-11-01 00:00:00+00', ',"detached_at":"2026-03-01T08:15:30.123456Z"');
SELECT pg_temp.mark('running', '2025-11-01 00:00:00+00', '2025-12-01 00:00:00+00', ',"detached_at":"2026-03-07T00:00:01Z"');
SELECT pg_temp.mark('just', '2025-12-01 00:00:00+00', '2026-01-01 00:00:00+00', ',"detached_at":"2026-03-07T00:00:00Z"');
INSERT INTO events VALUES ('2026-03-05 00:00+00');
