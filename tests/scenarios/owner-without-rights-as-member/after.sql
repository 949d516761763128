CREATE INDEX events_id_idx ON ONLY app.events (id);
CREATE INDEX events_mar_id_idx ON app.events_mar (id);
ALTER INDEX app.events_id_idx ATTACH PARTITION app.events_mar_id_idx;
ALTER TABLE app.events_mar SET (fillfactor = 90);
DROP TABLE app.events_jan;
