DROP TABLE zentry_jan;
ALTER TABLE invoice DETACH PARTITION invoice_jan;
ALTER TABLE invoice_jan ADD CHECK (at IS NOT NULL AND at >= '2026-01-01 00:00+00' AND at < '2026-02-01 00:00+00');
COMMENT ON TABLE invoice_jan IS 'pgstrata: retired {"root":"public.invoice","root_oid":0,"oid":0,"from":"2026-01-01 00:00:00+00","to":"2026-02-01 00:00:00+00","detached_at":""}';
