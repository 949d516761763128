ALTER TABLE app.events_feb OWNER TO scenario_owu_new;
ALTER TABLE app.events_feb SET (fillfactor = 90);
ALTER TABLE app.events_mar SET (fillfactor = 90);
ALTER TABLE app.events_apr SET (fillfactor = 90);
ALTER TABLE app.events DETACH PARTITION app.events_dec;
-- What a concurrent detach leaves behind.
ALTER TABLE app.events_dec ADD CHECK (at IS NOT NULL AND at >= '2025-12-01 00:00+00' AND at < '2026-01-01 00:00+00');
COMMENT ON TABLE app.events_dec IS 'pgstrata: retired {"root":"app.events","root_oid":0,"oid":0,"from":"2025-12-01 00:00:00+00","to":"2026-01-01 00:00:00+00","detached_at":""}';
