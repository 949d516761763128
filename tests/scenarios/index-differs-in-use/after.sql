CREATE UNIQUE INDEX by_identity_new ON ONLY events (actor, at) INCLUDE (id);
CREATE UNIQUE INDEX events_mar_by_identity ON events_mar (actor, at) INCLUDE (id);
ALTER INDEX by_identity_new ATTACH PARTITION events_mar_by_identity;
CREATE UNIQUE INDEX by_reference_new ON ONLY events (at, id) INCLUDE (actor);
CREATE UNIQUE INDEX events_mar_by_reference ON events_mar (at, id) INCLUDE (actor);
ALTER INDEX by_reference_new ATTACH PARTITION events_mar_by_reference;
