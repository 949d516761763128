/* pgstrata inspect */
-- A foreign key of or to a partitioned table has a row for each partition too; those name their parent.
SELECT f.conrelid, f.confrelid, cn.nspname, c.relname, rn.nspname, r.relname, c.relkind, r.relkind
FROM pg_catalog.pg_constraint AS f
JOIN pg_catalog.pg_class AS c ON c.oid = f.conrelid
JOIN pg_catalog.pg_namespace AS cn ON cn.oid = c.relnamespace
JOIN pg_catalog.pg_class AS r ON r.oid = f.confrelid
JOIN pg_catalog.pg_namespace AS rn ON rn.oid = r.relnamespace
WHERE f.contype = 'f' AND f.conparentid = 0 AND (f.conrelid = ANY ($1) OR f.confrelid = ANY ($1))
