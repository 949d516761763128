CREATE ROLE scenario_member_owner;
CREATE ROLE scenario_member_other;
CREATE ROLE scenario_member_applier LOGIN NOINHERIT;
GRANT scenario_member_owner, scenario_member_other TO scenario_member_applier;
