ALTER TABLE many DETACH PARTITION many_sep;
ALTER TABLE many DETACH PARTITION many_oct;
ALTER TABLE many DETACH PARTITION many_nov;
ALTER TABLE many DETACH PARTITION many_dec;
-- What a concurrent detach leaves behind.
ALTER TABLE many_sep ADD CHECK (at IS NOT NULL AND at >= '2025-09-01 00:00+00' AND at < '2025-10-01 00:00+00');
ALTER TABLE many_oct ADD CHECK (at IS NOT NULL AND at >= '2025-10-01 00:00+00' AND at < '2025-11-01 00:00+00');
ALTER TABLE many_nov ADD CHECK (at IS NOT NULL AND at >= '2025-11-01 00:00+00' AND at < '2025-12-01 00:00+00');
ALTER TABLE many_dec ADD CHECK (at IS NOT NULL AND at >= '2025-12-01 00:00+00' AND at < '2026-01-01 00:00+00');
COMMENT ON TABLE many_sep IS 'pgstrata: retired {"root":"public.many","root_oid":0,"oid":0,"from":"2025-09-01 00:00:00+00","to":"2025-10-01 00:00:00+00","detached_at":""}';
COMMENT ON TABLE many_oct IS 'pgstrata: retired {"root":"public.many","root_oid":0,"oid":0,"from":"2025-10-01 00:00:00+00","to":"2025-11-01 00:00:00+00","detached_at":""}';
COMMENT ON TABLE many_nov IS 'pgstrata: retired {"root":"public.many","root_oid":0,"oid":0,"from":"2025-11-01 00:00:00+00","to":"2025-12-01 00:00:00+00","detached_at":""}';
COMMENT ON TABLE many_dec IS 'pgstrata: retired {"root":"public.many","root_oid":0,"oid":0,"from":"2025-12-01 00:00:00+00","to":"2026-01-01 00:00:00+00","detached_at":""}';
