DROP TABLE events_jan;
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'events_actor_idx'::regclass;
