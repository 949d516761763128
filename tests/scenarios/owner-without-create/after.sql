CREATE TABLE app.events_p20260401 PARTITION OF app.events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE INDEX events_id_idx ON ONLY app.events (id);
CREATE INDEX events_mar_id_idx ON app.events_mar (id);
CREATE INDEX events_p20260401_id_idx ON app.events_p20260401 (id);
ALTER INDEX app.events_id_idx ATTACH PARTITION app.events_mar_id_idx;
ALTER INDEX app.events_id_idx ATTACH PARTITION app.events_p20260401_id_idx;
ALTER TABLE app.events_p20260401 OWNER TO scenario_owc_app;
