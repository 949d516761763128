/* pgstrata inspect */
-- Tables in the schema ($2) of an inspected root ($1) or of one of its partitions that have the root's columns, and are
-- neither partitions nor marked. Prints no constraint: that opens the table, and waits for whoever has locked it.
WITH homes AS (
  SELECT r.root, n.oid AS relnamespace, n.nspname
  FROM unnest($1, $2) AS r(root, schema) JOIN pg_catalog.pg_namespace AS n ON n.nspname = r.schema
), alone AS (
  SELECT c.oid, c.relnamespace, c.relname
  FROM pg_catalog.pg_class AS c
  WHERE c.relkind = 'r' AND NOT c.relispartition AND c.relpersistence <> 't'
    AND c.relnamespace IN (SELECT h.relnamespace FROM homes AS h)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = c.oid)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = c.oid)
), columns AS (
  -- Table by table, by the index: there are many more columns than these.
  SELECT t.oid AS attrelid, own.all_
  FROM (SELECT h.root AS oid FROM homes AS h UNION SELECT alone.oid FROM alone) AS t
  CROSS JOIN LATERAL (
    SELECT array_agg((a.attname, a.atttypid, a.atttypmod)::text ORDER BY a.attname) AS all_
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
  ) AS own
), checks AS (
  -- What DETACH … CONCURRENTLY leaves: the bounds, as one check of the key alone that begins with IS NOT NULL.
  SELECT x.conrelid, x.conkey
  FROM alone AS t
  JOIN pg_catalog.pg_constraint AS x ON x.conrelid = t.oid AND x.contype = 'c'
  WHERE x.conbin::text LIKE '{BOOLEXPR :boolop and :args ({NULLTEST %'
)
SELECT h.root, h.nspname, t.relname,
       convert_to(d.description, CASE getdatabaseencoding() WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END),
       EXISTS (SELECT FROM checks AS x
               JOIN pg_catalog.pg_partitioned_table AS p ON p.partrelid = h.root
               JOIN pg_catalog.pg_attribute AS k ON k.attrelid = h.root AND k.attnum = p.partattrs[0]
               JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attname = k.attname
               WHERE x.conrelid = t.oid AND x.conkey = ARRAY[a.attnum])
FROM alone AS t
JOIN homes AS h ON h.relnamespace = t.relnamespace
JOIN columns AS own ON own.attrelid = t.oid
JOIN columns AS of_root ON of_root.attrelid = h.root AND of_root.all_ = own.all_
LEFT JOIN pg_catalog.pg_description AS d
       ON d.objoid = t.oid AND d.classoid = 'pg_catalog.pg_class'::regclass AND d.objsubid = 0
