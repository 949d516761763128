CREATE ROLE scenario_limits_other LOGIN;
CREATE ROLE scenario_limits_weak LOGIN;
