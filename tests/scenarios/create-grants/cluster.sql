CREATE ROLE scenario_grants_owner;
CREATE ROLE "Scenario Grants reader";
CREATE ROLE scenario_grants_writer;
CREATE ROLE scenario_grants_third;
