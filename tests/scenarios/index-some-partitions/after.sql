CREATE INDEX events_actor_idx ON ONLY events (actor);
ALTER INDEX events_actor_idx ATTACH PARTITION handmade;
CREATE INDEX events_mar_actor_idx ON events_mar (actor);
ALTER INDEX events_actor_idx ATTACH PARTITION events_mar_actor_idx;
