SET ROLE scenario_sor_new;
CREATE TABLE app.events_p20260401 PARTITION OF app.events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00') WITH (fillfactor = 70);
GRANT SELECT ON app.events_p20260401 TO scenario_sor_reader, scenario_sor_old;
SET ROLE scenario_sor_old;
ALTER TABLE app.events_mar SET (fillfactor = 70);
