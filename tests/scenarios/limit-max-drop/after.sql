CREATE TABLE many_p20260401 PARTITION OF many FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE few_p20260401 PARTITION OF few FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE short_p20260315 PARTITION OF short FOR VALUES FROM ('2026-03-15 00:00+00') TO ('2026-03-16 00:00+00');
ALTER TABLE few DETACH PARTITION few_nov;
ALTER TABLE few DETACH PARTITION few_dec;
-- What a concurrent detach leaves behind.
ALTER TABLE few_nov ADD CHECK (at IS NOT NULL AND at >= '2025-11-01 00:00+00' AND at < '2025-12-01 00:00+00');
ALTER TABLE few_dec ADD CHECK (at IS NOT NULL AND at >= '2025-12-01 00:00+00' AND at < '2026-01-01 00:00+00');
COMMENT ON TABLE few_nov IS 'pgstrata: retired {"root":"public.few","root_oid":0,"oid":0,"from":"2025-11-01 00:00:00+00","to":"2025-12-01 00:00:00+00","detached_at":""}';
COMMENT ON TABLE few_dec IS 'pgstrata: retired {"root":"public.few","root_oid":0,"oid":0,"from":"2025-12-01 00:00:00+00","to":"2026-01-01 00:00:00+00","detached_at":""}';
DROP TABLE short_1, short_2, short_3;
