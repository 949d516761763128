DO $do$ BEGIN
  EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 50', current_database());
  EXECUTE format('ALTER ROLE scenario_limits_of_member IN DATABASE %I SET lock_timeout = ''2s''', current_database());
END $do$;
