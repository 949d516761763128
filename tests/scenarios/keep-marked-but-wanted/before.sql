-- Marked by a run that was stopped; the policy keeps it by now: not detached, and the marker stays to be seen.
CREATE TABLE events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_jan PARTITION OF events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
DO $$ BEGIN EXECUTE format('COMMENT ON TABLE events_jan IS %L', format('pgstrata: retired {"root":"public.events","root_oid":%s,"oid":%s,"from":"2026-01-01 00:00:00+00","to":"2026-02-01 00:00:00+00"}', 'events'::regclass::oid, 'events_jan'::regclass::oid)); END $$;
