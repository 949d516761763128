CREATE TABLE orders_p20260401 PARTITION OF orders FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
ALTER TABLE orders DETACH PARTITION orders_jan;
-- What a concurrent detach leaves behind.
ALTER TABLE orders_jan ADD CHECK (at IS NOT NULL AND at >= '2026-01-01 00:00+00' AND at < '2026-02-01 00:00+00');
COMMENT ON TABLE orders_jan IS 'pgstrata: retired {"root":"public.orders","root_oid":0,"oid":0,"from":"2026-01-01 00:00:00+00","to":"2026-02-01 00:00:00+00","detached_at":""}';
