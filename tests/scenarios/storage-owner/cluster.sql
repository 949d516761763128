CREATE ROLE scenario_so_old;
CREATE ROLE scenario_so_new;
CREATE ROLE scenario_so_reader;
CREATE ROLE scenario_so_applier LOGIN;
GRANT scenario_so_old, scenario_so_new TO scenario_so_applier;
