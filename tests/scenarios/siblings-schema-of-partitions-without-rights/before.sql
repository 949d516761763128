CREATE SCHEMA parts;
CREATE TABLE hook_log (id bigint, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE parts.hook_log_202611 PARTITION OF hook_log FOR VALUES FROM ('2026-11-01Z') TO ('2026-12-01Z');
GRANT CREATE ON SCHEMA parts TO scenario_parts_stranger;
GRANT CREATE ON SCHEMA public TO scenario_parts_stranger;
ALTER TABLE hook_log OWNER TO scenario_parts_stranger;
ALTER TABLE parts.hook_log_202611 OWNER TO scenario_parts_stranger;
