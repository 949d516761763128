CREATE TABLESPACE scenario_storage_fast LOCATION '';
