CREATE TABLE always_p20260401 PARTITION OF always FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE by_default_p20260401 PARTITION OF by_default FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
ALTER TABLE always DETACH PARTITION always_jan;
ALTER TABLE by_default DETACH PARTITION by_default_jan;
-- What a concurrent detach leaves behind.
ALTER TABLE always_jan ADD CHECK (at IS NOT NULL AND at >= '2026-01-01 00:00+00' AND at < '2026-02-01 00:00+00');
ALTER TABLE by_default_jan ADD CHECK (at IS NOT NULL AND at >= '2026-01-01 00:00+00' AND at < '2026-02-01 00:00+00');
COMMENT ON TABLE always_jan IS 'pgstrata: retired {"root":"public.always","root_oid":0,"oid":0,"from":"2026-01-01 00:00:00+00","to":"2026-02-01 00:00:00+00","detached_at":""}';
COMMENT ON TABLE by_default_jan IS 'pgstrata: retired {"root":"public.by_default","root_oid":0,"oid":0,"from":"2026-01-01 00:00:00+00","to":"2026-02-01 00:00:00+00","detached_at":""}';
