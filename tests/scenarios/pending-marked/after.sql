ALTER TABLE events DETACH PARTITION events_dec FINALIZE;
COMMENT ON TABLE events_dec IS 'pgstrata: retired {"root":"public.events","root_oid":0,"oid":0,"from":"2025-12-01 00:00:00+00","to":"2026-01-01 00:00:00+00","detached_at":""}';
ALTER TABLE events DETACH PARTITION events_jan;
DROP TABLE events_jan;
