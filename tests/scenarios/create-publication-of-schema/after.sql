CREATE TABLE app.events_p20260401 PARTITION OF app.events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
ALTER TABLE app.events_p20260401 REPLICA IDENTITY FULL;
-- The one that was there was made before its parent said so, as PARTITION OF makes it.
ALTER TABLE app.events_mar REPLICA IDENTITY FULL;
