CREATE ROLE scenario_own_reader;
