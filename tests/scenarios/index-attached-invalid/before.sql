-- Attached while it was invalid, which the server allows: the root's stays invalid until the index is built anew and the
-- server looks again.
CREATE TABLE events (at timestamptz NOT NULL, actor int) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE events_apr PARTITION OF events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE INDEX events_actor_idx ON ONLY events (actor);
CREATE INDEX events_mar_actor_idx ON events_mar (actor);
CREATE INDEX events_apr_actor_idx ON events_apr (actor);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'events_mar_actor_idx'::regclass;
ALTER INDEX events_actor_idx ATTACH PARTITION events_mar_actor_idx;
ALTER INDEX events_actor_idx ATTACH PARTITION events_apr_actor_idx;
