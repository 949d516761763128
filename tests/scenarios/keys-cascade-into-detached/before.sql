-- The key goes along with ON DELETE CASCADE: no grace protects the rows.
CREATE TABLE towns (id integer PRIMARY KEY);
CREATE TABLE events (at timestamptz NOT NULL, town integer REFERENCES towns ON DELETE CASCADE) PARTITION BY RANGE (at);
CREATE TABLE events_jan PARTITION OF events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE events_dec PARTITION OF events FOR VALUES FROM ('2025-12-01 00:00+00') TO ('2026-01-01 00:00+00');
INSERT INTO events VALUES ('2026-03-05 00:00+00');
ALTER TABLE events DETACH PARTITION events_dec;
CREATE FUNCTION pg_temp.mark(t regclass, root regclass, said text, from_ text, to_ text, tail text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('COMMENT ON TABLE %s IS %L', t, format('pgstrata: retired {"root":"%s","root_oid":%s,"oid":%s,"from":"%s","to":"%s"%s}', said, root::oid, t::oid, from_, to_, tail)); END $$;
SELECT pg_temp.mark('events_dec', 'events', 'public.events', '2025-12-01 00:00:00+00', '2026-01-01 00:00:00+00', ',"detached_at":"2026-03-10T00:00:00Z"');
