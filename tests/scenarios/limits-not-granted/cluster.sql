CREATE ROLE scenario_limits_not_granted LOGIN;
