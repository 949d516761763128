CREATE ROLE scenario_limits_set LOGIN CONNECTION LIMIT 5;
CREATE ROLE "Scenario Limits" LOGIN CONNECTION LIMIT 5;
ALTER ROLE scenario_limits_set SET lock_timeout = '1.5min';
