-- What a run leaves that was stopped between its index steps and its removals: all that stay have attached their own.
CREATE TABLE events (at timestamptz NOT NULL, actor int) PARTITION BY RANGE (at);
CREATE TABLE events_jan PARTITION OF events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE events_feb PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-03-01 00:00+00');
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE events_apr PARTITION OF events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
INSERT INTO events VALUES ('2026-03-02 00:00+00', 1);
CREATE INDEX events_actor_idx ON ONLY events (actor);
CREATE INDEX events_feb_actor_idx ON events_feb (actor);
CREATE INDEX events_mar_actor_idx ON events_mar (actor);
CREATE INDEX events_apr_actor_idx ON events_apr (actor);
ALTER INDEX events_actor_idx ATTACH PARTITION events_feb_actor_idx;
ALTER INDEX events_actor_idx ATTACH PARTITION events_mar_actor_idx;
ALTER INDEX events_actor_idx ATTACH PARTITION events_apr_actor_idx;
