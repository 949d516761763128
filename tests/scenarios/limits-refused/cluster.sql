CREATE ROLE scenario_limits_refused;
