/* pgstrata inspect */
-- Tables in the schema of an inspected root ($1) or of one of its partitions that have the root's columns, and are neither
-- partitions nor marked. Prints no constraint: that opens the table, and waits for whoever has locked it.
WITH homes AS (
  SELECT c.oid AS root, c.relnamespace FROM pg_catalog.pg_class AS c WHERE c.oid = ANY ($1)
  UNION
  SELECT i.inhparent, c.relnamespace
  FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
  WHERE i.inhparent = ANY ($1)
), alone AS (
  SELECT c.oid, c.relnamespace, c.relname, c.relowner
  FROM pg_catalog.pg_class AS c
  WHERE c.relkind = 'r' AND NOT c.relispartition AND c.relpersistence <> 't'
    AND c.relnamespace IN (SELECT h.relnamespace FROM homes AS h)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = c.oid)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = c.oid)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), columns AS (
  SELECT a.attrelid, array_agg((a.attname, a.atttypid, a.atttypmod)::text ORDER BY a.attname) AS all_
  FROM (SELECT unnest($1) AS oid UNION ALL SELECT alone.oid FROM alone) AS t
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
  WHERE a.attnum > 0 AND NOT a.attisdropped
  GROUP BY a.attrelid
)
SELECT h.root, n.nspname, t.relname,
       convert_to(d.description, CASE getdatabaseencoding() WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END),
       -- What DETACH … CONCURRENTLY leaves: the bounds, as one check of the key alone that begins with IS NOT NULL.
       EXISTS (SELECT FROM pg_catalog.pg_constraint AS x
               JOIN pg_catalog.pg_partitioned_table AS p ON p.partrelid = h.root
               JOIN pg_catalog.pg_attribute AS k ON k.attrelid = h.root AND k.attnum = p.partattrs[0]
               JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attname = k.attname
               WHERE x.conrelid = t.oid AND x.contype = 'c' AND x.conkey = ARRAY[a.attnum]
                 AND x.conbin::text LIKE '{BOOLEXPR :boolop and :args ({NULLTEST %')
FROM alone AS t
JOIN homes AS h ON h.relnamespace = t.relnamespace
JOIN columns AS own ON own.attrelid = t.oid
JOIN columns AS of_root ON of_root.attrelid = h.root AND of_root.all_ = own.all_
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
LEFT JOIN pg_catalog.pg_description AS d
       ON d.objoid = t.oid AND d.classoid = 'pg_catalog.pg_class'::regclass AND d.objsubid = 0
