ALTER TABLE keeps DETACH PARTITION keeps_span;
ALTER TABLE keeps DETACH PARTITION keeps_part;
ALTER TABLE removes DETACH PARTITION removes_straddling;
-- What a concurrent detach leaves behind.
ALTER TABLE keeps_span ADD CHECK (at IS NOT NULL AND at >= '2025-08-01 00:00+00' AND at < '2025-10-01 00:00+00');
ALTER TABLE keeps_part ADD CHECK (at IS NOT NULL AND at >= '2025-10-10 00:00+00' AND at < '2025-10-20 00:00+00');
ALTER TABLE removes_straddling ADD CHECK (at IS NOT NULL AND at >= '2025-10-20 00:00+00' AND at < '2025-11-20 00:00+00');
COMMENT ON TABLE keeps_span IS 'pgstrata: retired {"root":"public.keeps","root_oid":0,"oid":0,"from":"2025-08-01 00:00:00+00","to":"2025-10-01 00:00:00+00","detached_at":""}';
COMMENT ON TABLE keeps_part IS 'pgstrata: retired {"root":"public.keeps","root_oid":0,"oid":0,"from":"2025-10-10 00:00:00+00","to":"2025-10-20 00:00:00+00","detached_at":""}';
COMMENT ON TABLE removes_straddling IS 'pgstrata: retired {"root":"public.removes","root_oid":0,"oid":0,"from":"2025-10-20 00:00:00+00","to":"2025-11-20 00:00:00+00","detached_at":""}';
