UPDATE pg_index SET indisvalid = true WHERE indexrelid IN ('events_mar_actor_idx'::regclass, 'events_actor_idx'::regclass);
