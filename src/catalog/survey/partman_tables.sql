/* pgstrata import */
-- By extension or by shape: a managed service may have its own copy, and a restored dump the table alone.
SELECT n.nspname,
       EXISTS (SELECT FROM pg_catalog.pg_class AS s
               WHERE s.relnamespace = n.oid AND s.relname = 'part_config_sub' AND s.relkind = 'r'
                 AND has_table_privilege(s.oid, 'SELECT')) AS has_sub
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_extension AS e ON e.extname = 'pg_partman' AND e.extnamespace = n.oid
WHERE c.relname = 'part_config'
  AND c.relkind = 'r'
  AND 4 = (SELECT count(*) FROM pg_catalog.pg_attribute AS a
           WHERE a.attrelid = c.oid AND NOT a.attisdropped
             AND a.attname IN ('parent_table', 'control', 'partition_interval', 'premake'))
  AND has_schema_privilege(n.oid, 'USAGE')
  AND has_table_privilege(c.oid, 'SELECT')
ORDER BY e.oid IS NULL, n.nspname
