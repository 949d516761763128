/* pgstrata inspect */
SELECT DISTINCT f.conrelid, n.nspname, c.relname
FROM pg_catalog.pg_constraint AS f
JOIN pg_catalog.pg_class AS c ON c.oid = f.confrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE f.contype = 'f' AND f.conrelid = ANY ($1)
