DO $do$ BEGIN
  EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 50', current_database());
  EXECUTE format('ALTER ROLE scenario_limits_set IN DATABASE %I SET statement_timeout = ''30s''', current_database());
  EXECUTE format('ALTER ROLE scenario_limits_set IN DATABASE %I SET idle_session_timeout = ''0ms''', current_database());
END $do$;
