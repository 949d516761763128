SET ROLE scenario_grants_owner;
CREATE TABLE app.events_p20260401 PARTITION OF app.events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
GRANT SELECT ON app.events_p20260401 TO PUBLIC;
GRANT SELECT, REFERENCES ON app.events_p20260401 TO "Scenario Grants reader" WITH GRANT OPTION;
GRANT INSERT, UPDATE ON app.events_p20260401 TO scenario_grants_writer;
GRANT DELETE ON app.events_p20260401 TO scenario_grants_writer WITH GRANT OPTION;
GRANT UPDATE ("Body"), SELECT (secret, at) ON app.events_p20260401 TO scenario_grants_writer;
GRANT INSERT (secret) ON app.events_p20260401 TO scenario_grants_third WITH GRANT OPTION;
-- On the parent the writer granted this on; on the partition the owner grants it.
GRANT DELETE ON app.events_p20260401 TO scenario_grants_third;
-- So does the one that was there.
GRANT SELECT ON app.events_mar TO PUBLIC;
GRANT SELECT, REFERENCES ON app.events_mar TO "Scenario Grants reader" WITH GRANT OPTION;
GRANT INSERT, UPDATE ON app.events_mar TO scenario_grants_writer;
GRANT DELETE ON app.events_mar TO scenario_grants_writer WITH GRANT OPTION;
GRANT UPDATE ("Body"), SELECT (secret, at) ON app.events_mar TO scenario_grants_writer;
GRANT INSERT (secret) ON app.events_mar TO scenario_grants_third WITH GRANT OPTION;
GRANT DELETE ON app.events_mar TO scenario_grants_third;
