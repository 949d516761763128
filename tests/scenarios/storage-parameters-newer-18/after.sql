CREATE TABLE events_p20260401 PARTITION OF events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00') WITH (fillfactor = 70,
  vacuum_max_eager_freeze_failure_rate = 0.1, autovacuum_vacuum_max_threshold = 1000000, toast.autovacuum_vacuum_max_threshold = -1);
ALTER TABLE events_mar SET (fillfactor = 70, vacuum_max_eager_freeze_failure_rate = 0.1,
  autovacuum_vacuum_max_threshold = 1000000, toast.autovacuum_vacuum_max_threshold = -1);
