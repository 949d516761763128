CREATE SCHEMA parts;
CREATE TABLE hook_log (id bigint, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE parts.hook_log_202609 PARTITION OF hook_log FOR VALUES FROM ('2026-09-01Z') TO ('2026-10-01Z');
CREATE TABLE parts.hook_log_202611 PARTITION OF hook_log FOR VALUES FROM ('2026-11-01Z') TO ('2026-12-01Z');
INSERT INTO hook_log VALUES (1, '2026-11-02Z');
-- Taken in parts, and free in public: names are looked for where the partitions are.
CREATE TABLE parts.hook_log_202612 ();
CREATE TABLE public.hook_log_202612_2 ();
CREATE INDEX hook_log_id_idx ON hook_log (id);
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA parts TO scenario_parts_keeper;
ALTER TABLE hook_log OWNER TO scenario_parts_keeper;
ALTER TABLE parts.hook_log_202609 OWNER TO scenario_parts_keeper;
ALTER TABLE parts.hook_log_202611 OWNER TO scenario_parts_keeper;
