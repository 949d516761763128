/* pgstrata part_config */
-- Tables called as pg_partman's two are, and shaped like them. Any role may make one where it may create; only these are
-- read: the extension's own, a superuser's, the session's own. And of these only what runs nobody's code when it is read:
-- no expressions in indexes or in statistics (planning a query computes what is constant in them), no row security (its policies run as who
-- reads), no children (others' tables), and only types of the server's own (to_jsonb calls a cast to json that a type has).
SELECT * FROM (
SELECT n.nspname, c.relname, c.oid, r.rolname,
       CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                         JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
                         WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.objsubid = 0
                           AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
                           AND e.extname = 'pg_partman') THEN 'extension'
            WHEN r.rolsuper THEN 'superuser'
            WHEN r.rolname = current_user THEN 'session'
       END AS whose,
       CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_index AS x
                         WHERE x.indrelid = c.oid AND (x.indexprs IS NOT NULL OR x.indpred IS NOT NULL))
              THEN 'an index of it has an expression'
            WHEN c.relrowsecurity THEN 'it has row security'
            WHEN EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE c.oid IN (i.inhrelid, i.inhparent))
              THEN 'it inherits, or is inherited from'
            WHEN EXISTS (SELECT FROM pg_catalog.pg_statistic_ext AS x WHERE x.stxrelid = c.oid AND x.stxexprs IS NOT NULL)
              THEN 'statistics on it have an expression'
            WHEN EXISTS (SELECT FROM pg_catalog.pg_attribute AS a
                         WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attgenerated <> '')
              THEN 'a column of it is generated'
            WHEN EXISTS (SELECT FROM pg_catalog.pg_attribute AS a
                         JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
                         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                           AND t.typnamespace <> 'pg_catalog'::pg_catalog.regnamespace)
              THEN 'a column of it has a type that is not the server''s own'
            WHEN NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE') OR NOT pg_catalog.has_table_privilege(c.oid, 'SELECT')
              THEN 'it may not be read'
       END AS because
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_roles AS r ON r.oid = c.relowner
WHERE c.relkind = 'r'
  AND c.relname IN ('part_config', 'part_config_sub')
  AND (c.relname = 'part_config'
       AND 4 = (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute AS a
                WHERE a.attrelid = c.oid AND NOT a.attisdropped
                  AND a.attname IN ('parent_table', 'control', 'partition_interval', 'premake'))
    OR c.relname = 'part_config_sub'
       AND EXISTS (SELECT FROM pg_catalog.pg_attribute AS a
                   WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attname = 'sub_parent'))
) AS found
ORDER BY whose IS DISTINCT FROM 'extension', whose IS DISTINCT FROM 'superuser', nspname, relname
