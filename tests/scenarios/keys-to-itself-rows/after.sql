ALTER TABLE nodes DETACH PARTITION nodes_nov;
ALTER TABLE nodes_nov ADD CHECK (at IS NOT NULL AND at >= '2025-11-01 00:00+00' AND at < '2025-12-01 00:00+00');
COMMENT ON TABLE nodes_nov IS 'pgstrata: retired {"root":"public.nodes","root_oid":0,"oid":0,"from":"2025-11-01 00:00:00+00","to":"2025-12-01 00:00:00+00","detached_at":""}';
ALTER TABLE nodes DETACH PARTITION nodes_feb;
ALTER TABLE nodes_feb ADD CHECK (at IS NOT NULL AND at >= '2026-02-01 00:00+00' AND at < '2026-02-10 00:00+00');
COMMENT ON TABLE nodes_feb IS 'pgstrata: retired {"root":"public.nodes","root_oid":0,"oid":0,"from":"2026-02-01 00:00:00+00","to":"2026-02-10 00:00:00+00","detached_at":""}';
