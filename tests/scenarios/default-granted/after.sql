CREATE TABLE events_default PARTITION OF events DEFAULT;
ALTER TABLE events DETACH PARTITION events_jan;
COMMENT ON TABLE events_jan IS 'pgstrata: retired {"root":"public.events","root_oid":0,"oid":0,"from":"2026-01-01 00:00:00+00","to":"2026-02-01 00:00:00+00","detached_at":""}';
