/* pgstrata inspect */
-- pg_get_expr with 0 opens no relation: with the partition's OID it would wait for whoever holds ACCESS EXCLUSIVE on it.
SELECT i.inhparent,
       c.oid,
       n.nspname,
       c.relname,
       pg_get_userbyid(c.relowner),
       c.relkind,
       i.inhdetachpending,
       pg_get_expr(c.relpartbound, 0),
       -- Bytes: a database in SQL_ASCII has comments in any encoding, and refuses them to whoever reads UTF-8.
       convert_to(d.description, CASE getdatabaseencoding() WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END),
       c.reltuples
FROM pg_catalog.pg_inherits AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_description AS d
       ON d.objoid = c.oid AND d.classoid = 'pg_catalog.pg_class'::regclass AND d.objsubid = 0
      AND d.description ILIKE '%pgstrata%'
WHERE i.inhparent = ANY ($1)
