/* pgstrata inspect */
-- Whether the database has Citus's catalog, and what of it this role may read. It lies in pg_catalog, where only a superuser
-- makes anything: a table of the same name elsewhere is somebody's own.
SELECT pg_catalog.has_table_privilege(d.oid, 'SELECT')
         AND EXISTS (SELECT 1 FROM pg_catalog.pg_attribute AS a
                     WHERE a.attrelid = d.oid AND a.attname = 'logicalrelid' AND NOT a.attisdropped) AS tables,
       EXISTS (SELECT 1 FROM pg_catalog.pg_class AS l
               JOIN pg_catalog.pg_attribute AS a ON a.attrelid = l.oid AND a.attname = 'groupid' AND NOT a.attisdropped
               WHERE l.relnamespace = n.oid AND l.relname = 'pg_dist_local_group' AND l.relkind = 'r'
                 AND pg_catalog.has_table_privilege(l.oid, 'SELECT')) AS "group",
       EXISTS (SELECT 1 FROM pg_catalog.pg_proc AS p
               WHERE p.pronamespace = n.oid AND p.proname = 'citus_total_relation_size'
                 AND p.proargtypes[0] = 'pg_catalog.regclass'::pg_catalog.regtype
                 AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')) AS sizes
FROM pg_catalog.pg_namespace AS n
JOIN pg_catalog.pg_class AS d ON d.relnamespace = n.oid
WHERE n.nspname = 'pg_catalog' AND d.relname = 'pg_dist_partition' AND d.relkind = 'r'
