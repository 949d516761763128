CREATE INDEX by_order_new ON ONLY events (actor, at DESC);
CREATE INDEX events_mar_by_order ON events_mar (actor, at DESC);
ALTER INDEX by_order_new ATTACH PARTITION events_mar_by_order;
