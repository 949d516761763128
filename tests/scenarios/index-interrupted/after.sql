ALTER INDEX events_actor_idx ATTACH PARTITION loose;
DROP INDEX events_may_actor_idx, events_may_actor_idx_ccnew;
CREATE INDEX events_may_actor_idx ON events_may (actor);
ALTER INDEX events_actor_idx ATTACH PARTITION events_may_actor_idx;
