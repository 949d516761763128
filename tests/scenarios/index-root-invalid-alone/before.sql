-- The partition without the index has left, by hand. A new one that is attached has its own, and does not make the server
-- look whether the root's is whole.
CREATE TABLE events (at timestamptz NOT NULL, actor int) PARTITION BY RANGE (at);
CREATE TABLE events_feb PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-03-01 00:00+00');
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE events_apr PARTITION OF events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE INDEX events_actor_idx ON ONLY events (actor);
CREATE INDEX events_mar_actor_idx ON events_mar (actor);
CREATE INDEX events_apr_actor_idx ON events_apr (actor);
ALTER INDEX events_actor_idx ATTACH PARTITION events_mar_actor_idx;
ALTER INDEX events_actor_idx ATTACH PARTITION events_apr_actor_idx;
ALTER TABLE events DETACH PARTITION events_feb;
