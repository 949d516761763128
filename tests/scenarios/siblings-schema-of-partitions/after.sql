CREATE TABLE parts.hook_log_202612_2 PARTITION OF hook_log FOR VALUES FROM ('2026-12-01Z') TO ('2027-01-01Z');
ALTER TABLE hook_log DETACH PARTITION parts.hook_log_202609;
COMMENT ON TABLE parts.hook_log_202609 IS 'pgstrata: retired {"root":"public.hook_log","root_oid":0,"oid":0,"from":"2026-09-01 00:00:00+00","to":"2026-10-01 00:00:00+00","detached_at":""}';
CREATE TABLE parts.hook_log_default PARTITION OF hook_log DEFAULT;
ALTER TABLE parts.hook_log_202612_2 OWNER TO scenario_parts_keeper;
ALTER TABLE parts.hook_log_default OWNER TO scenario_parts_keeper;
