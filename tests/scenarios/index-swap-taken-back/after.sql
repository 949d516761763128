DROP INDEX events_actor_idx_new;
