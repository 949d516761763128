-- The new definition is on every partition, and its root's index is still invalid. The old one has a comment, and its
-- expression a statistics target, which go on.
CREATE TABLE events (at timestamptz NOT NULL, actor int) PARTITION BY RANGE (at);
CREATE TABLE events_feb PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-03-01 00:00+00');
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE INDEX events_actor_idx ON events (actor);
COMMENT ON INDEX events_actor_idx IS 'who did it';
COMMENT ON INDEX events_mar_actor_idx IS 'in March';
CREATE INDEX events_actor_idx_new ON ONLY events (actor, at);
CREATE INDEX events_mar_actor_idx_new ON events_mar (actor, at);
ALTER INDEX events_actor_idx_new ATTACH PARTITION events_mar_actor_idx_new;
ALTER TABLE events DETACH PARTITION events_feb;
DROP TABLE events_feb;
