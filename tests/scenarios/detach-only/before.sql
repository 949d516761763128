-- One is marked already; another carries a marker that is not its own.
CREATE TABLE events (at timestamptz NOT NULL, note text) PARTITION BY RANGE (at);
CREATE TABLE events_nov PARTITION OF events FOR VALUES FROM ('2025-11-01 00:00+00') TO ('2025-12-01 00:00+00');
CREATE TABLE events_dec PARTITION OF events FOR VALUES FROM ('2025-12-01 00:00+00') TO ('2026-01-01 00:00+00');
CREATE TABLE events_jan PARTITION OF events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
INSERT INTO events SELECT d FROM generate_series('2025-11-05 00:00+00'::timestamptz, '2026-03-05 00:00+00', '1 month') d;
COMMENT ON TABLE events_nov IS E'two lines\nof words';
DO $$ BEGIN EXECUTE format('COMMENT ON TABLE events_dec IS %L', format(E'before\npgstrata: retired {"root":"public.events","root_oid":%s,"oid":%s,"from":"2025-12-01 00:00:00+00","to":"2026-01-01 00:00:00+00"}\nbehind', 'events'::regclass::oid, 'events_dec'::regclass::oid)); END $$;
COMMENT ON TABLE events_jan IS 'pgstrata: retired {"root":"public.others","root_oid":1,"oid":2,"from":"2026-01-01 00:00:00+00","to":"2026-02-01 00:00:00+00"}';
