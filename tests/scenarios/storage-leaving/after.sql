ALTER TABLE app.events_mar SET (fillfactor = 70);
ALTER TABLE app.events_mar REPLICA IDENTITY FULL;
ALTER TABLE app.events DETACH PARTITION app.events_jan;
COMMENT ON TABLE app.events_jan IS 'pgstrata: retired {"root":"app.events","root_oid":0,"oid":0,"from":"2026-01-01 00:00:00+00","to":"2026-02-01 00:00:00+00","detached_at":""}';
-- What DETACH CONCURRENTLY leaves.
ALTER TABLE app.events_jan ADD CONSTRAINT events_jan_at_check CHECK (at IS NOT NULL AND at >= '2026-01-01 00:00:00+00' AND at < '2026-02-01 00:00:00+00');
