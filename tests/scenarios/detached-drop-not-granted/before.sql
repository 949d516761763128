-- Without a grant no drop runs, here or after the detach; creations and detaches do.
CREATE TABLE events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_dec PARTITION OF events FOR VALUES FROM ('2025-12-01 00:00+00') TO ('2026-01-01 00:00+00');
CREATE TABLE events_jan PARTITION OF events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
INSERT INTO events VALUES ('2025-12-05 00:00+00'), ('2026-01-05 00:00+00'), ('2026-03-05 00:00+00');
ALTER TABLE events DETACH PARTITION events_dec;
DO $$ BEGIN EXECUTE format('COMMENT ON TABLE events_dec IS %L', format('pgstrata: retired {"root":"public.events","root_oid":%s,"oid":%s,"from":"2025-12-01 00:00:00+00","to":"2026-01-01 00:00:00+00","detached_at":"2026-03-01T00:00:00Z"}', 'events'::regclass::oid, 'events_dec'::regclass::oid)); END $$;
