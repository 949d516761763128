DO $do$ BEGIN
  EXECUTE format('ALTER ROLE scenario_limits_not_granted IN DATABASE %I SET lock_timeout = ''2s''', current_database());
END $do$;
