DO $do$ BEGIN
  EXECUTE format('ALTER ROLE scenario_limits_weak IN DATABASE %I SET lock_timeout = ''3s''', current_database());
END $do$;
