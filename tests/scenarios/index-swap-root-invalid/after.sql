DROP INDEX events_actor_idx;
ALTER INDEX events_actor_idx_new RENAME TO events_actor_idx;
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'events_actor_idx'::regclass;
COMMENT ON INDEX events_actor_idx IS 'who did it';
COMMENT ON INDEX events_mar_actor_idx_new IS 'in March';
