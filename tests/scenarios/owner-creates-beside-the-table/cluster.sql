CREATE ROLE scenario_obt_keeper LOGIN;
