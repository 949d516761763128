/* pgstrata inspect */
SELECT c.oid, n.nspname, c.relname,
       EXISTS (SELECT FROM pg_catalog.pg_description AS d
               WHERE d.objoid = c.oid AND d.classoid = 'pg_catalog.pg_class'::regclass AND d.objsubid = 0
                 AND d.description ~ $2)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = ANY ($1) AND c.relkind = 'p'
