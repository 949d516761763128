DO $do$ BEGIN
  EXECUTE format('ALTER ROLE scenario_limits_refused_17 IN DATABASE %I SET transaction_timeout = ''5min''', current_database());
END $do$;
