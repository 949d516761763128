CREATE ROLE scenario_default_granted;
