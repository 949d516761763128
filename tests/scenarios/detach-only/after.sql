ALTER TABLE events DETACH PARTITION events_nov;
ALTER TABLE events DETACH PARTITION events_dec;
ALTER TABLE events DETACH PARTITION events_jan;
-- What a concurrent detach leaves behind.
ALTER TABLE events_nov ADD CHECK (at IS NOT NULL AND at >= '2025-11-01 00:00+00' AND at < '2025-12-01 00:00+00');
ALTER TABLE events_dec ADD CHECK (at IS NOT NULL AND at >= '2025-12-01 00:00+00' AND at < '2026-01-01 00:00+00');
ALTER TABLE events_jan ADD CHECK (at IS NOT NULL AND at >= '2026-01-01 00:00+00' AND at < '2026-02-01 00:00+00');
COMMENT ON TABLE events_nov IS E'two lines\nof words\npgstrata: retired {"root":"public.events","root_oid":0,"oid":0,"from":"2025-11-01 00:00:00+00","to":"2025-12-01 00:00:00+00","detached_at":""}';
COMMENT ON TABLE events_dec IS E'before\nbehind\npgstrata: retired {"root":"public.events","root_oid":0,"oid":0,"from":"2025-12-01 00:00:00+00","to":"2026-01-01 00:00:00+00","detached_at":""}';
COMMENT ON TABLE events_jan IS 'pgstrata: retired {"root":"public.events","root_oid":0,"oid":0,"from":"2026-01-01 00:00:00+00","to":"2026-02-01 00:00:00+00","detached_at":""}';
