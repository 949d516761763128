CREATE ROLE scenario_parts_stranger LOGIN;
