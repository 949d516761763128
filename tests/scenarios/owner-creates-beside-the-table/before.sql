-- The role that maintains the table may create in parts alone, where all its partitions are; the policy names no schema.
CREATE SCHEMA app;
CREATE SCHEMA parts;
CREATE TABLE app.hook_log (id bigint, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE parts.hook_log_mar PARTITION OF app.hook_log FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
GRANT USAGE ON SCHEMA app TO scenario_obt_keeper;
GRANT USAGE, CREATE ON SCHEMA parts TO scenario_obt_keeper;
ALTER TABLE app.hook_log OWNER TO scenario_obt_keeper;
ALTER TABLE parts.hook_log_mar OWNER TO scenario_obt_keeper;
