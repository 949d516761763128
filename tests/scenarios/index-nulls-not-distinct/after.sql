DROP INDEX other;
CREATE UNIQUE INDEX other ON ONLY events (actor, at) NULLS NOT DISTINCT;
CREATE UNIQUE INDEX events_mar_other ON events_mar (actor, at) NULLS NOT DISTINCT;
ALTER INDEX other ATTACH PARTITION events_mar_other;
