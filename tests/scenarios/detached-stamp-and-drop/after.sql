COMMENT ON TABLE unstamped IS 'pgstrata: retired {"root":"public.events","root_oid":0,"oid":0,"from":"2025-09-01 00:00:00+00","to":"2025-10-01 00:00:00+00","detached_at":""}';
DROP TABLE over;
DROP TABLE just;
