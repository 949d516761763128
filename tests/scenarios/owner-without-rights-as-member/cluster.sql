CREATE ROLE scenario_owm_app;
CREATE ROLE scenario_owm_old;
CREATE ROLE scenario_owm_applier LOGIN;
GRANT scenario_owm_app, scenario_owm_old TO scenario_owm_applier;
