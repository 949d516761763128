CREATE ROLE scenario_limits_owner;
CREATE ROLE scenario_limits_super SUPERUSER;
CREATE ROLE scenario_limits_of_member;
CREATE ROLE scenario_limits_member LOGIN NOINHERIT CREATEROLE;
GRANT scenario_limits_owner TO scenario_limits_member;
GRANT scenario_limits_of_member TO scenario_limits_member WITH ADMIN OPTION;
