/* pgstrata inspect */
-- A foreign key of or to a partitioned table has a row for each partition too; those name their parent. Every key to a
-- partitioned table has its partition key among the columns: the last column is the one that holds it on the other side,
-- where that compares as the key itself does.
SELECT f.conrelid, f.confrelid, cn.nspname, c.relname, rn.nspname, r.relname, c.relkind, r.relkind,
       f.oid, f.conname, pg_get_userbyid(c.relowner), f.confdeltype,
       ARRAY(SELECT a.attname FROM pg_catalog.pg_attribute AS a
             WHERE a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey) ORDER BY a.attnum) AS columns,
       (SELECT a.attname
        FROM pg_catalog.pg_partitioned_table AS p
        CROSS JOIN unnest(f.conkey, f.confkey) AS u(here, there)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = u.here
        JOIN pg_catalog.pg_attribute AS k ON k.attrelid = f.confrelid AND k.attnum = u.there
        WHERE p.partrelid = f.confrelid AND p.partnatts = 1 AND u.there = p.partattrs[0]
          AND (a.atttypid = k.atttypid OR (a.atttypid IN (20, 21, 23) AND k.atttypid IN (20, 21, 23)))
        LIMIT 1) AS key_column
FROM pg_catalog.pg_constraint AS f
JOIN pg_catalog.pg_class AS c ON c.oid = f.conrelid
JOIN pg_catalog.pg_namespace AS cn ON cn.oid = c.relnamespace
JOIN pg_catalog.pg_class AS r ON r.oid = f.confrelid
JOIN pg_catalog.pg_namespace AS rn ON rn.oid = r.relnamespace
WHERE f.contype = 'f' AND f.conparentid = 0 AND (f.conrelid = ANY ($1) OR f.confrelid = ANY ($1))
