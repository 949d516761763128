-- Our own detach, interrupted: finished and stamped; what is due as well follows, and without grace both are dropped.
CREATE TABLE towns (id integer PRIMARY KEY);
CREATE TABLE events (at timestamptz NOT NULL, town integer REFERENCES towns) PARTITION BY RANGE (at);
CREATE TABLE events_dec PARTITION OF events FOR VALUES FROM ('2025-12-01 00:00+00') TO ('2026-01-01 00:00+00');
CREATE TABLE events_jan PARTITION OF events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-05-01 00:00+00');
INSERT INTO events VALUES ('2025-12-05 00:00+00'), ('2026-01-05 00:00+00'), ('2026-03-05 00:00+00');
DO $$ BEGIN EXECUTE format('COMMENT ON TABLE events_dec IS %L', format('pgstrata: retired {"root":"public.events","root_oid":%s,"oid":%s,"from":"2025-12-01 00:00:00+00","to":"2026-01-01 00:00:00+00"}', 'events'::regclass::oid, 'events_dec'::regclass::oid)); END $$;
