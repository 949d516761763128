-- Retention was lengthened: December and January come back, unless something covers their range by now.
CREATE TABLE towns (id integer PRIMARY KEY);
CREATE TABLE events (id integer, at timestamptz NOT NULL, town integer REFERENCES towns, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE events_dec PARTITION OF events FOR VALUES FROM ('2025-12-01 00:00+00') TO ('2026-01-01 00:00+00');
CREATE TABLE events_jan PARTITION OF events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE events_nov PARTITION OF events FOR VALUES FROM ('2025-11-14 00:00+00') TO ('2025-12-01 00:00+00');
INSERT INTO towns VALUES (1);
INSERT INTO events SELECT 1, d, 1 FROM generate_series('2025-11-25 00:00+00'::timestamptz, '2026-03-25 00:00+00', '1 month') d;
ALTER TABLE events DETACH PARTITION events_dec;
ALTER TABLE events DETACH PARTITION events_jan;
ALTER TABLE events DETACH PARTITION events_nov;
CREATE TABLE events_nov_2 PARTITION OF events FOR VALUES FROM ('2025-11-01 00:00+00') TO ('2025-12-01 00:00+00');
CREATE FUNCTION pg_temp.mark(t regclass, from_ text, to_ text, tail text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('COMMENT ON TABLE %s IS %L', t, format(E'words\npgstrata: retired {"root":"public.events","root_oid":%s,"oid":%s,"from":"%s","to":"%s"%s}', 'events'::regclass::oid, t::oid, from_, to_, tail)); END $$;
SELECT pg_temp.mark('events_dec', '2025-12-01 00:00:00+00', '2026-01-01 00:00:00+00', ',"detached_at":"2026-03-01T00:00:00Z"');
SELECT pg_temp.mark('events_jan', '2026-01-01 00:00:00+00', '2026-02-01 00:00:00+00', '');
SELECT pg_temp.mark('events_nov', '2025-11-14 00:00:00+00', '2025-12-01 00:00:00+00', ',"detached_at":"2026-03-01T00:00:00Z"');
COMMENT ON TABLE events_mar IS 'nothing of ours';
