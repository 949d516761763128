CREATE TABLE open_below_p20260401 PARTITION OF open_below FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
ALTER TABLE bc DETACH PARTITION bc_caesar;
-- What a concurrent detach leaves behind.
ALTER TABLE bc_caesar ADD CHECK (on_day IS NOT NULL AND on_day >= '0044-03-01 BC' AND on_day < '0044-04-01 BC');
COMMENT ON TABLE bc_caesar IS 'pgstrata: retired {"root":"public.bc","root_oid":0,"oid":0,"from":"0044-03-01 BC","to":"0044-04-01 BC","detached_at":""}';
