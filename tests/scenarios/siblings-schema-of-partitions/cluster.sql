CREATE ROLE scenario_parts_keeper LOGIN;
