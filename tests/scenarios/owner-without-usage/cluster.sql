CREATE ROLE scenario_owu_old;
CREATE ROLE scenario_owu_new;
