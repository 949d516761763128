CREATE UNIQUE INDEX by_identity_new ON ONLY events (actor, at) WITH (fillfactor = 80);
CREATE UNIQUE INDEX events_mar_by_identity ON events_mar (actor, at) WITH (fillfactor = 80);
ALTER INDEX by_identity_new ATTACH PARTITION events_mar_by_identity;
CREATE UNIQUE INDEX by_reference_new ON ONLY events (at, id) WITH (fillfactor = 80);
CREATE UNIQUE INDEX events_mar_by_reference ON events_mar (at, id) WITH (fillfactor = 80);
ALTER INDEX by_reference_new ATTACH PARTITION events_mar_by_reference;
