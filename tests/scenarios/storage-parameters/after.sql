ALTER TABLE events_feb SET (autovacuum_enabled = false, autovacuum_vacuum_scale_factor = 0.02, fillfactor = 70,
  toast.autovacuum_enabled = false, toast.vacuum_truncate = false, vacuum_index_cleanup = 'on');
ALTER TABLE events_mar SET (autovacuum_enabled = false, autovacuum_vacuum_scale_factor = 0.02, fillfactor = 70,
  toast.autovacuum_enabled = false, toast.vacuum_truncate = false, vacuum_index_cleanup = 'on');
ALTER TABLE events_apr SET (autovacuum_enabled = false, autovacuum_vacuum_scale_factor = 0.02, fillfactor = 70,
  toast.autovacuum_enabled = false, toast.vacuum_truncate = false, vacuum_index_cleanup = 'on');
ALTER TABLE events_rest SET (autovacuum_enabled = false, autovacuum_vacuum_scale_factor = 0.02, fillfactor = 70,
  toast.autovacuum_enabled = false, toast.vacuum_truncate = false, vacuum_index_cleanup = 'on');
ALTER TABLE slim_mar SET (parallel_workers = 2);
ALTER TABLE slim_apr SET (parallel_workers = 2);
ALTER TABLE decoded_mar SET (log_autovacuum_min_duration = 0, toast_tuple_target = 256, user_catalog_table = true);
ALTER TABLE decoded_apr SET (log_autovacuum_min_duration = 0, toast_tuple_target = 256, user_catalog_table = true);
