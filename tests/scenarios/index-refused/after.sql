CREATE INDEX fine ON ONLY events (actor);
CREATE INDEX events_mar_fine ON events_mar (actor);
ALTER INDEX fine ATTACH PARTITION events_mar_fine;
