/* pgstrata inspect */
-- Raw catalogs only: pg_get_constraintdef of a CHECK, pg_get_indexdef, and pg_get_triggerdef with a WHEN open the table.
WITH leaf AS (
    SELECT c.oid, c.relpersistence, c.reltablespace, c.relam, p.oid AS root, p.reltablespace AS root_tablespace,
           coalesce(nullif(p.relam, 0),
                    (SELECT m.oid FROM pg_catalog.pg_am AS m
                     WHERE m.amname = current_setting('default_table_access_method'))) AS new_am,
           t.partattrs[0] AS key_number
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = c.oid
    JOIN pg_catalog.pg_class AS p ON p.oid = i.inhparent
    JOIN pg_catalog.pg_partitioned_table AS t ON t.partrelid = p.oid
    WHERE c.oid = ANY ($1)),
-- The key's number on each partition, which may number its columns otherwise.
key AS (
    SELECT l.oid, k.attnum
    FROM leaf AS l
    JOIN pg_catalog.pg_attribute AS r ON r.attrelid = l.root AND r.attnum = l.key_number
    JOIN pg_catalog.pg_attribute AS k ON k.attrelid = l.oid AND k.attname = r.attname)
-- A name among texts would make the whole column one, of 63 bytes.
SELECT l.oid, 'unlogged' AS kind, ''::text AS name, ''::text AS meaning, NULL::text AS shown, false AS of_key
FROM leaf AS l WHERE l.relpersistence = 'u'
UNION ALL
SELECT l.oid, 'tablespace', s.spcname::text, s.spcname::text, NULL, false
FROM leaf AS l JOIN pg_catalog.pg_tablespace AS s ON s.oid = l.reltablespace
WHERE l.root_tablespace = 0
UNION ALL
SELECT l.oid, 'access_method', m.amname::text, m.amname::text, NULL, false
FROM leaf AS l JOIN pg_catalog.pg_am AS m ON m.oid = l.relam
WHERE l.relam <> l.new_am
UNION ALL
SELECT o.conrelid, 'check', o.conname::text, regexp_replace(o.conbin::text, ':location -?\d+', '', 'g'), NULL,
       k.attnum = ANY (o.conkey)
FROM pg_catalog.pg_constraint AS o JOIN key AS k ON k.oid = o.conrelid
WHERE o.contype = 'c' AND o.coninhcount = 0
UNION ALL
SELECT t.tgrelid, 'trigger', t.tgname::text,
       concat_ws('|', t.tgtype, t.tgfoid, t.tgenabled, t.tgattr::text, encode(t.tgargs, 'hex'), t.tgconstrrelid,
                 t.tgdeferrable, t.tginitdeferred, t.tgoldtable, t.tgnewtable,
                 md5(regexp_replace(t.tgqual::text, ':location -?\d+', '', 'g'))), NULL, false
FROM pg_catalog.pg_trigger AS t JOIN leaf AS l ON l.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgparentid = 0
UNION ALL
SELECT x.indrelid, 'index', n.relname::text,
       concat_ws('|', m.amname, x.indisunique, x.indisprimary, x.indnkeyatts, x.indoption::text, x.indclass::text,
                 x.indcollation::text, k.columns, array_to_string(n.reloptions, ','),
                 md5(regexp_replace(x.indexprs::text, ':location -?\d+', '', 'g')),
                 md5(regexp_replace(x.indpred::text, ':location -?\d+', '', 'g'))),
       concat(CASE WHEN x.indisprimary THEN 'primary key' WHEN x.indisunique THEN 'unique index' ELSE 'index' END,
              ' (', k.columns, ')', CASE WHEN x.indpred IS NOT NULL THEN ' WHERE …' END),
       false
FROM pg_catalog.pg_index AS x
JOIN leaf AS l ON l.oid = x.indrelid
JOIN pg_catalog.pg_class AS n ON n.oid = x.indexrelid
JOIN pg_catalog.pg_am AS m ON m.oid = n.relam
CROSS JOIN LATERAL (
    SELECT string_agg(coalesce(quote_ident(a.attname), '(expression)'), ', ' ORDER BY u.ord) AS columns
    FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS u(attnum, ord)
    LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = u.attnum AND u.attnum <> 0) AS k
WHERE x.indisvalid
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_inherits AS h WHERE h.inhrelid = x.indexrelid)
  -- What its table has, valid or not yet, a new partition gets.
  AND NOT EXISTS (
      SELECT 1 FROM pg_catalog.pg_index AS y
      JOIN pg_catalog.pg_class AS z ON z.oid = y.indexrelid
      WHERE y.indrelid = l.root AND z.relam = n.relam AND y.indisunique = x.indisunique
        AND y.indoption::text = x.indoption::text AND y.indclass::text = x.indclass::text
        AND (y.indexprs IS NULL) = (x.indexprs IS NULL) AND (y.indpred IS NULL) = (x.indpred IS NULL)
        AND k.columns = (SELECT string_agg(coalesce(quote_ident(a.attname), '(expression)'), ', ' ORDER BY u.ord)
                         FROM unnest(y.indkey::int2[]) WITH ORDINALITY AS u(attnum, ord)
                         LEFT JOIN pg_catalog.pg_attribute AS a
                                ON a.attrelid = y.indrelid AND a.attnum = u.attnum AND u.attnum <> 0))
UNION ALL
SELECT f.conrelid, 'foreign_key', f.conname::text,
       concat_ws('|', f.confrelid, f.conkey::text, f.confkey::text, f.confupdtype, f.confdeltype, f.confmatchtype),
       concat('foreign key (', k.columns, ') to ', quote_ident(n.nspname), '.', quote_ident(r.relname)), false
FROM pg_catalog.pg_constraint AS f
JOIN leaf AS l ON l.oid = f.conrelid
JOIN pg_catalog.pg_class AS r ON r.oid = f.confrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = r.relnamespace
CROSS JOIN LATERAL (
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.ord) AS columns
    FROM unnest(f.conkey) WITH ORDINALITY AS u(attnum, ord)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = u.attnum) AS k
WHERE f.contype = 'f' AND f.conparentid = 0
UNION ALL
SELECT l.oid, 'not_null', a.attname::text, a.attname::text, NULL, false
FROM leaf AS l
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = l.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
JOIN pg_catalog.pg_attribute AS r ON r.attrelid = l.root AND r.attname = a.attname AND NOT r.attisdropped
WHERE NOT r.attnotnull
UNION ALL
SELECT w.ev_class, 'rule', w.rulename::text,
       concat_ws('|', w.ev_type, w.ev_enabled, w.is_instead,
                 md5(regexp_replace(concat(w.ev_qual::text, w.ev_action::text), ':(location|stmt_len|stmt_location|relid|requiredPerms) -?\d+', '', 'g'))),
       NULL, false
FROM pg_catalog.pg_rewrite AS w JOIN leaf AS l ON l.oid = w.ev_class
UNION ALL
SELECT s.oid, 'statistics', s.stxname::text, s.meaning, concat('statistics object on ', s.columns), false
FROM (SELECT e.stxrelid AS oid, l.root, e.stxname, k.columns,
             concat_ws('|', e.stxkind::text, k.columns,
                       md5(regexp_replace(e.stxexprs::text, ':(location|varattno|varattnosyn) -?\d+', '', 'g'))) AS meaning
      FROM pg_catalog.pg_statistic_ext AS e
      JOIN leaf AS l ON l.oid = e.stxrelid
      CROSS JOIN LATERAL (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname) AS columns
                          FROM pg_catalog.pg_attribute AS a
                          WHERE a.attrelid = e.stxrelid AND a.attnum = ANY (e.stxkeys::int2[])) AS k) AS s
WHERE NOT EXISTS (
    SELECT 1 FROM pg_catalog.pg_statistic_ext AS e
    CROSS JOIN LATERAL (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname) AS columns
                        FROM pg_catalog.pg_attribute AS a
                        WHERE a.attrelid = e.stxrelid AND a.attnum = ANY (e.stxkeys::int2[])) AS k
    WHERE e.stxrelid = s.root
      AND s.meaning = concat_ws('|', e.stxkind::text, k.columns,
                                md5(regexp_replace(e.stxexprs::text, ':(location|varattno|varattnosyn) -?\d+', '', 'g'))))
