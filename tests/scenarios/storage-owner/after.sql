ALTER TABLE app.events_feb SET (fillfactor = 70);
ALTER TABLE app.events_mar SET (fillfactor = 70);
ALTER TABLE app.events_apr SET (fillfactor = 70);
ALTER TABLE app.events_feb OWNER TO scenario_so_new;
ALTER TABLE app.events_mar OWNER TO scenario_so_new;
GRANT SELECT ON app.events_feb, app.events_mar, app.events_apr TO scenario_so_reader, scenario_so_old;
