UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'events_mar_actor_idx'::regclass;
