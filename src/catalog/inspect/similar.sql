/* pgstrata inspect */
-- What a table of the policy that is not there may be called; asked only where one is missing.
SELECT n.nspname, c.relname
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('p', 'r')
  AND NOT c.relispartition
  AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema'
  AND n.nspname !~ '^pg_'
  AND (getdatabaseencoding() <> 'SQL_ASCII' OR n.nspname::text || c.relname::text ~ '{utf8}')
ORDER BY c.relkind = 'p' DESC, n.nspname, c.relname
LIMIT 10000
