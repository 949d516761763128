CREATE ROLE scenario_owc_app;
