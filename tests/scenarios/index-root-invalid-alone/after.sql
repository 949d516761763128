CREATE TABLE events_p20260501 PARTITION OF events FOR VALUES FROM ('2026-05-01 00:00+00') TO ('2026-06-01 00:00+00');
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'events_actor_idx'::regclass;
