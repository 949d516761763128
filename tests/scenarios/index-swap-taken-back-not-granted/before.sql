CREATE TABLE events (at timestamptz NOT NULL, actor int) PARTITION BY RANGE (at);
CREATE TABLE events_feb PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-03-01 00:00+00');
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE INDEX events_actor_idx ON events (actor);
CREATE INDEX events_actor_idx_new ON ONLY events (actor, at);
CREATE INDEX events_feb_actor_idx_new ON events_feb (actor, at);
ALTER INDEX events_actor_idx_new ATTACH PARTITION events_feb_actor_idx_new;
