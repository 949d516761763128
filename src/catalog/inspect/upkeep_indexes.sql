/* pgstrata inspect */
-- An entry is a header (with a bitmap of nulls where there may be some), the aligned columns, and a line pointer.
SELECT i.inhparent,
       x.indrelid,
       x.indexrelid,
       n.nspname,
       c.relname,
       c.relpages,
       c.reltuples,
       coalesce((SELECT o.option_value::int FROM pg_options_to_table(c.reloptions) AS o
                 WHERE o.option_name = 'fillfactor'), 90) AS fillfactor,
       w.widths,
       w.aligns,
       w.nullable
FROM pg_catalog.pg_inherits AS i
JOIN pg_catalog.pg_index AS x ON x.indrelid = i.inhrelid
JOIN pg_catalog.pg_class AS c ON c.oid = x.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
CROSS JOIN LATERAL (
    SELECT array_agg(a.attlen::int ORDER BY a.attnum) AS widths,
           string_agg(a.attalign::text, '' ORDER BY a.attnum) AS aligns,
           bool_or(k.attnotnull IS NOT true) AS nullable
    FROM pg_catalog.pg_attribute AS a
    LEFT JOIN pg_catalog.pg_attribute AS k ON k.attrelid = x.indrelid AND k.attnum = x.indkey[a.attnum - 1]
    WHERE a.attrelid = x.indexrelid) AS w
WHERE i.inhparent = ANY ($1)
  AND m.amname = 'btree' AND x.indisvalid AND x.indisready AND x.indislive AND NOT x.indisexclusion
  AND c.relpages::int8 * current_setting('block_size')::int8 >= $2
