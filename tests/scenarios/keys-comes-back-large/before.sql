-- Nine megabytes come back without a CHECK: they are scanned while towns is locked ACCESS EXCLUSIVE.
CREATE TABLE towns (id integer PRIMARY KEY);
CREATE TABLE events (at timestamptz NOT NULL, body text, town integer REFERENCES towns) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE events_jan PARTITION OF events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
ALTER TABLE events_jan ALTER COLUMN body SET STORAGE PLAIN;
INSERT INTO events SELECT '2026-01-05 00:00+00', repeat('x', 8000) FROM generate_series(1, 1200);
ALTER TABLE events DETACH PARTITION events_jan;
DO $$ BEGIN EXECUTE format('COMMENT ON TABLE events_jan IS %L', format('pgstrata: retired {"root":"public.events","root_oid":%s,"oid":%s,"from":"2026-01-01 00:00:00+00","to":"2026-02-01 00:00:00+00","detached_at":"2026-03-01T00:00:00Z"}', 'events'::regclass::oid, 'events_jan'::regclass::oid)); END $$;
CREATE TABLE small (at timestamptz NOT NULL, town integer REFERENCES towns) PARTITION BY RANGE (at);
CREATE TABLE small_mar PARTITION OF small FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE small_jan PARTITION OF small FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
ALTER TABLE small DETACH PARTITION small_jan;
DO $$ BEGIN EXECUTE format('COMMENT ON TABLE small_jan IS %L', format('pgstrata: retired {"root":"public.small","root_oid":%s,"oid":%s,"from":"2026-01-01 00:00:00+00","to":"2026-02-01 00:00:00+00","detached_at":"2026-03-01T00:00:00Z"}', 'small'::regclass::oid, 'small_jan'::regclass::oid)); END $$;
