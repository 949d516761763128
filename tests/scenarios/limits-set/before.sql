CREATE SCHEMA app;
CREATE TABLE app.events (at timestamptz NOT NULL, body text) PARTITION BY RANGE (at);
CREATE TABLE app.events_jan PARTITION OF app.events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE app.events_feb PARTITION OF app.events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-03-01 00:00+00');
DO $do$ BEGIN EXECUTE format('ALTER ROLE scenario_limits_set IN DATABASE %I SET statement_timeout = 7000', current_database()); END $do$;
