/* pgstrata inspect */
-- 17 and later: exclusion constraints and WITHOUT OVERLAPS keys. Raw catalogs only, and column names in place of numbers:
-- a partition may number its columns otherwise.
SELECT o.conrelid,
       o.conname,
       concat_ws('|', o.contype, m.amname, o.conexclop::text, o.condeferrable, o.condeferred, x.indclass::text,
                 (SELECT string_agg(quote_ident(coalesce(a.attname, '')), ',' ORDER BY u.ord)
                  FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS u(attnum, ord)
                  LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = u.attnum AND u.attnum <> 0),
                 md5(regexp_replace(x.indexprs::text, ':(location|varattno|varattnosyn) -?\d+', '', 'g')),
                 md5(regexp_replace(x.indpred::text, ':(location|varattno|varattnosyn) -?\d+', '', 'g'))) AS meaning
FROM pg_catalog.pg_constraint AS o
JOIN pg_catalog.pg_index AS x ON x.indexrelid = o.conindid AND x.indrelid = o.conrelid AND x.indisexclusion
JOIN pg_catalog.pg_class AS c ON c.oid = x.indexrelid
JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
WHERE o.conrelid = ANY ($1) AND o.contype IN ('p', 'u', 'x')
