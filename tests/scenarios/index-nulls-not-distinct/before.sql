CREATE TABLE events (at timestamptz NOT NULL, actor int) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE UNIQUE INDEX same ON events (at, actor) NULLS NOT DISTINCT;
CREATE UNIQUE INDEX other ON events (actor, at);
