-- By number the partition's index on `c` is the root's on `b`: it must not be taken for it.
CREATE TABLE events (at timestamptz NOT NULL, gone int, b text, c text) PARTITION BY RANGE (at);
ALTER TABLE events DROP COLUMN gone;
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE INDEX by_b ON ONLY events (at) WHERE b IS NOT NULL;
CREATE INDEX mar_c ON events_mar (at) WHERE c IS NOT NULL;
