DROP INDEX events_actor_idx;
CREATE INDEX events_actor_idx ON ONLY events (kind, lower(actor));
CREATE INDEX events_mar_actor_idx ON events_mar (kind, lower(actor));
ALTER INDEX events_actor_idx ATTACH PARTITION events_mar_actor_idx;
COMMENT ON INDEX events_actor_idx IS 'it''s asked for by name';
COMMENT ON INDEX events_mar_actor_idx IS 'in March';
ALTER INDEX events_mar_actor_idx ALTER COLUMN 2 SET STATISTICS 700;
