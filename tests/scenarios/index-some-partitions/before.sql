-- April has it already, under a name of its own, and another one that nobody asked for.
CREATE TABLE events (at timestamptz NOT NULL, actor int) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE events_apr PARTITION OF events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE INDEX handmade ON events_apr (actor);
CREATE INDEX unasked ON events_apr (at);
