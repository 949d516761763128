/* pgstrata inspect */
-- A key to a partitioned table has a row for each of its partitions too; those name their parent.
SELECT DISTINCT f.conrelid, n.nspname, c.relname, c.relkind = 'p', f.confdeltype = 'c'
FROM pg_catalog.pg_constraint AS f
JOIN pg_catalog.pg_class AS c ON c.oid = f.confrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE f.contype = 'f' AND f.conparentid = 0 AND f.conrelid = ANY ($1)
