-- It is said before the grace is over.
CREATE TABLE events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE events_jan (at timestamptz NOT NULL);
CREATE VIEW latest AS SELECT * FROM events_jan;
INSERT INTO events VALUES ('2026-03-05 00:00+00');
CREATE FUNCTION pg_temp.mark(t regclass, root regclass, said text, from_ text, to_ text, tail text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('COMMENT ON TABLE %s IS %L', t, format('pgstrata: retired {"root":"%s","root_oid":%s,"oid":%s,"from":"%s","to":"%s"%s}', said, root::oid, t::oid, from_, to_, tail)); END $$;
SELECT pg_temp.mark('events_jan', 'events', 'public.events', '2026-01-01 00:00:00+00', '2026-02-01 00:00:00+00', ',"detached_at":"2026-03-10T00:00:00Z"');
