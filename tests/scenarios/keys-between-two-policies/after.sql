-- In the order of the names, as they are made.
CREATE TABLE alone_p20260301 PARTITION OF alone FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE alone_p20260401 PARTITION OF alone FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE lines_p20260401 PARTITION OF lines FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
ALTER TABLE lines DETACH PARTITION lines_jan;
CREATE TABLE orders_p20260401 PARTITION OF orders FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
ALTER TABLE orders DETACH PARTITION orders_jan;
CREATE TABLE shops_p20260301 PARTITION OF shops FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE shops_p20260401 PARTITION OF shops FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
-- What a concurrent detach leaves behind.
ALTER TABLE orders_jan ADD CHECK (at IS NOT NULL AND at >= '2026-01-01 00:00+00' AND at < '2026-02-01 00:00+00');
ALTER TABLE lines_jan ADD CHECK (at IS NOT NULL AND at >= '2026-01-01 00:00+00' AND at < '2026-02-01 00:00+00');
COMMENT ON TABLE orders_jan IS 'pgstrata: retired {"root":"public.orders","root_oid":0,"oid":0,"from":"2026-01-01 00:00:00+00","to":"2026-02-01 00:00:00+00","detached_at":""}';
COMMENT ON TABLE lines_jan IS 'pgstrata: retired {"root":"public.lines","root_oid":0,"oid":0,"from":"2026-01-01 00:00:00+00","to":"2026-02-01 00:00:00+00","detached_at":""}';
