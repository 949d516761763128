DROP TABLE events_old;
ALTER TABLE ids DETACH PARTITION ids_old;
ALTER TABLE ids_old ADD CHECK (id IS NOT NULL AND id < '1000'::bigint);
COMMENT ON TABLE ids_old IS 'pgstrata: retired {"root":"public.ids","root_oid":0,"oid":0,"from":"MINVALUE","to":"1000","detached_at":""}';
CREATE TABLE ids_p4000 PARTITION OF ids FOR VALUES FROM (4000) TO (5000);
