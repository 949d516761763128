CREATE TABLE events_p20260401 PARTITION OF events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00') WITH (fillfactor = 80);
ALTER TABLE events_p20260401 REPLICA IDENTITY FULL;
CREATE TABLE events_default PARTITION OF events DEFAULT WITH (fillfactor = 80);
ALTER TABLE events_default REPLICA IDENTITY FULL;
ALTER TABLE events DETACH PARTITION events_jan;
COMMENT ON TABLE events_jan IS 'pgstrata: retired {"root":"public.events","root_oid":0,"oid":0,"from":"2026-01-01 00:00:00+00","to":"2026-02-01 00:00:00+00","detached_at":""}';
ALTER TABLE events_mar SET (fillfactor = 80);
ALTER TABLE events_mar REPLICA IDENTITY FULL;
