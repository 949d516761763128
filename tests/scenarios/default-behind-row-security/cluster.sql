CREATE ROLE scenario_hidden_owner;
CREATE ROLE scenario_hidden_applier LOGIN;
GRANT scenario_hidden_owner TO scenario_hidden_applier;
