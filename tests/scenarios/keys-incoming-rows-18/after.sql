CREATE TABLE orders_p20260401 PARTITION OF orders FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
-- The marker was written: a rerun goes on from it.
COMMENT ON TABLE orders_dec IS 'pgstrata: retired {"root":"public.orders","root_oid":0,"oid":0,"from":"2025-12-01 00:00:00+00","to":"2026-01-01 00:00:00+00"}';
