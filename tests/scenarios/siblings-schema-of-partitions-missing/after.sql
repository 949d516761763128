ALTER TABLE hook_log DETACH PARTITION hook_log_202609;
ALTER TABLE hook_log_202609 ADD CHECK (at IS NOT NULL AND at >= '2026-09-01 00:00+00' AND at < '2026-10-01 00:00+00');
COMMENT ON TABLE hook_log_202609 IS 'pgstrata: retired {"root":"public.hook_log","root_oid":0,"oid":0,"from":"2026-09-01 00:00:00+00","to":"2026-10-01 00:00:00+00","detached_at":""}';
CREATE TABLE other_p20261201 PARTITION OF other FOR VALUES FROM ('2026-12-01Z') TO ('2027-01-01Z');
