-- The root's index is half done: March is attached, April is there and loose, May's was left invalid.
CREATE TABLE events (at timestamptz NOT NULL, actor int) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE events_apr PARTITION OF events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE events_may PARTITION OF events FOR VALUES FROM ('2026-05-01 00:00+00') TO ('2026-06-01 00:00+00');
INSERT INTO events SELECT '2026-03-02 00:00+00'::timestamptz + n * interval '1 day', n FROM generate_series(1, 60) n;
CREATE INDEX events_actor_idx ON ONLY events (actor);
CREATE INDEX events_mar_actor_idx ON events_mar (actor);
ALTER INDEX events_actor_idx ATTACH PARTITION events_mar_actor_idx;
CREATE INDEX loose ON events_apr (actor);
CREATE INDEX events_may_actor_idx ON events_may (actor);
CREATE INDEX events_may_actor_idx_ccnew ON events_may (actor);
UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('events_may_actor_idx'::regclass, 'events_may_actor_idx_ccnew'::regclass);
