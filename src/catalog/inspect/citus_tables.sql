/* pgstrata inspect */
SELECT d.logicalrelid::pg_catalog.oid
FROM pg_catalog.pg_dist_partition AS d
WHERE d.logicalrelid::pg_catalog.oid = ANY ($1)
