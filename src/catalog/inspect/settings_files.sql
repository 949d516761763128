/* pgstrata inspect */
-- The last one counts.
SELECT pg_catalog.lower(f.name), f.setting
FROM pg_catalog.pg_file_settings f
WHERE pg_catalog.lower(f.name) OPERATOR(pg_catalog.=) ANY ($1)
ORDER BY f.seqno
