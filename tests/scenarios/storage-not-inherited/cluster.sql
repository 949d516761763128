CREATE ROLE scenario_inherit_reader;
CREATE ROLE scenario_inherit_owner;
