CREATE ROLE scenario_space_owner;
CREATE TABLESPACE scenario_space_tables OWNER scenario_space_owner LOCATION '';
CREATE TABLESPACE "Scenario Space Indexes" OWNER scenario_space_owner LOCATION '';
