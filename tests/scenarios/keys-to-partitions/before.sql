-- The towns are partitioned themselves: what locks them locks each of their partitions. One table comes back, one goes.
CREATE TABLE towns (id integer PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE towns_low PARTITION OF towns FOR VALUES FROM (0) TO (1000) PARTITION BY RANGE (id);
CREATE TABLE towns_lowest PARTITION OF towns_low FOR VALUES FROM (0) TO (10);
CREATE TABLE events (at timestamptz NOT NULL, town integer REFERENCES towns) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE events_jan PARTITION OF events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE events_old PARTITION OF events FOR VALUES FROM ('2025-10-01 00:00+00') TO ('2025-11-01 00:00+00');
INSERT INTO towns VALUES (1);
INSERT INTO events VALUES ('2025-10-05 00:00+00', 1), ('2026-01-05 00:00+00', 1), ('2026-03-05 00:00+00', 1);
ALTER TABLE events DETACH PARTITION events_old;
ALTER TABLE events DETACH PARTITION events_jan;
CREATE FUNCTION pg_temp.mark(t regclass, from_ text, to_ text, tail text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('COMMENT ON TABLE %s IS %L', t, format(E'pgstrata: retired {"root":"public.events","root_oid":%s,"oid":%s,"from":"%s","to":"%s"%s}', 'events'::regclass::oid, t::oid, from_, to_, tail)); END $$;
SELECT pg_temp.mark('events_old', '2025-10-01 00:00:00+00', '2025-11-01 00:00:00+00', ',"detached_at":"2026-03-01T00:00:00Z"');
SELECT pg_temp.mark('events_jan', '2026-01-01 00:00:00+00', '2026-02-01 00:00:00+00', ',"detached_at":"2026-03-01T00:00:00Z"');
