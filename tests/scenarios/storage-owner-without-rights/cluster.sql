CREATE ROLE scenario_sor_old;
CREATE ROLE scenario_sor_new;
CREATE ROLE scenario_sor_reader;
CREATE ROLE scenario_sor_applier LOGIN NOINHERIT;
GRANT scenario_sor_old, scenario_sor_new TO scenario_sor_applier;
