CREATE ROLE scenario_rights_owner;
CREATE ROLE scenario_rights_applier LOGIN;
