/* pgstrata inspect */
-- Tables with a marker that are no partition of an inspected root ($1), and what else they may be in use as.
SELECT c.oid,
       n.nspname,
       c.relname,
       pg_get_userbyid(c.relowner),
       -- Bytes: a database in SQL_ASCII has comments in any encoding, and refuses them to whoever reads UTF-8.
       convert_to(d.description, CASE getdatabaseencoding() WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END),
       c.reltuples,
       c.relispartition,
       pn.nspname,
       pc.relname,
       kn.nspname,
       kc.relname
FROM pg_catalog.pg_description AS d
JOIN pg_catalog.pg_class AS c ON c.oid = d.objoid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (SELECT i.inhparent FROM pg_catalog.pg_inherits AS i
                   WHERE i.inhrelid = c.oid ORDER BY i.inhseqno LIMIT 1) AS p ON true
LEFT JOIN pg_catalog.pg_class AS pc ON pc.oid = p.inhparent
LEFT JOIN pg_catalog.pg_namespace AS pn ON pn.oid = pc.relnamespace
LEFT JOIN LATERAL (SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i
                   WHERE i.inhparent = c.oid ORDER BY i.inhrelid LIMIT 1) AS k ON true
LEFT JOIN pg_catalog.pg_class AS kc ON kc.oid = k.inhrelid
LEFT JOIN pg_catalog.pg_namespace AS kn ON kn.oid = kc.relnamespace
WHERE d.classoid = 'pg_catalog.pg_class'::regclass
  AND d.objsubid = 0
  AND d.description LIKE '%pgstrata: retired %'
  AND c.relkind IN ('r', 'p')
  -- What is no UTF-8 can be neither read nor sent; there a regular expression sees bytes.
  AND (getdatabaseencoding() <> 'SQL_ASCII' OR n.nspname::text || c.relname::text ~ '{utf8}')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = c.oid AND i.inhparent = ANY ($1))
