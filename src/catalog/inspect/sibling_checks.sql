/* pgstrata inspect */
-- To print a CHECK opens its table: this stands in a savepoint, and gives up when somebody locks that.
SELECT o.conname, pg_get_constraintdef(o.oid)
FROM pg_catalog.pg_constraint AS o
WHERE o.conrelid = $1 AND o.contype = 'c' AND o.coninhcount = 0
