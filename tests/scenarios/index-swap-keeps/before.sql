CREATE TABLE events (at timestamptz NOT NULL, actor text, kind int) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE INDEX events_actor_idx ON events (lower(actor));
COMMENT ON INDEX events_actor_idx IS 'it''s asked for by name';
COMMENT ON INDEX events_mar_lower_idx IS 'in March';
ALTER INDEX events_mar_lower_idx ALTER COLUMN 1 SET STATISTICS 700;
