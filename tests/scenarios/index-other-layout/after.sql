CREATE INDEX events_mar_by_b ON events_mar (at) WHERE b IS NOT NULL;
ALTER INDEX by_b ATTACH PARTITION events_mar_by_b;
