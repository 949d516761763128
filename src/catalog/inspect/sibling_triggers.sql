/* pgstrata inspect */
-- To print a WHEN opens its table: this stands in a savepoint, and gives up when somebody locks that.
SELECT t.tgname, pg_get_triggerdef(t.oid), t.tgenabled
FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = $1 AND NOT t.tgisinternal AND t.tgparentid = 0
