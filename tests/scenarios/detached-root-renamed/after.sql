DROP TABLE over;
COMMENT ON TABLE unstamped IS 'pgstrata: retired {"root":"public.journal","root_oid":0,"oid":0,"from":"2026-01-01 00:00:00+00","to":"2026-02-01 00:00:00+00","detached_at":""}';
