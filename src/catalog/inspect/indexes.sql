/* pgstrata inspect */
-- Raw catalogs only: pg_get_indexdef and pg_get_expr with an OID open the table, and wait for whoever locks it.
SELECT x.indrelid,
       x.indexrelid,
       n.nspname,
       c.relname,
       m.amname,
       x.indisunique,
       x.indisvalid AND x.indisready AND x.indislive AS valid,
       h.inhparent,
       c.reloptions,
       t.spcname,
       x.indnkeyatts,
       k.columns,
       k.opclasses,
       k.collations,
       k.options,
       k.opclass_options,
       k.targets,
       -- Bytes: see leaves.sql.
       convert_to(d.description, CASE getdatabaseencoding() WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END) AS description,
       k.own_names,
       (SELECT o.contype FROM pg_catalog.pg_constraint AS o
        WHERE o.conindid = x.indexrelid AND o.conrelid = x.indrelid AND o.contype IN ('p', 'u', 'x')) AS contype,
       -- Both name columns by number: equal texts mean the same only where the tables number their columns alike. Before
       -- 17 they also say where in the statement each part stood, which a copy made by the server does not know.
       CASE WHEN x.indexprs IS NOT NULL OR x.indpred IS NOT NULL
            THEN concat_ws('|', x.indkey::text,
                           regexp_replace(x.indexprs::text, '(?<!\\) :location -?[0-9]+', '', 'g'),
                           regexp_replace(x.indpred::text, '(?<!\\) :location -?[0-9]+', '', 'g'),
                           (SELECT string_agg(quote_ident(a.attname), ',' ORDER BY a.attnum)
                            FROM pg_catalog.pg_attribute AS a
                            WHERE a.attrelid = x.indrelid AND a.attnum > 0)) END AS raw,
       x.indpred IS NOT NULL AS partial,
       -- A foreign key's is that of the referenced index, which needs no constraint of its own.
       EXISTS (SELECT FROM pg_catalog.pg_constraint AS o WHERE o.conindid = x.indexrelid) AS is_constraint,
       x.indisreplident OR x.indisclustered AS in_use,
       -- Which index another role builds is hidden, and which table it has locked is not: such an index must not be taken
       -- for a leftover.
       EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS b
               WHERE b.datname = current_database()
                 -- A build of this one, or what else is built on its table: REINDEX … CONCURRENTLY shows one of the three
                 -- indexes that it works on.
                 AND (b.relid = x.indrelid
                      OR coalesce(b.relid, 0) = 0
                         AND EXISTS (SELECT FROM pg_catalog.pg_locks AS k
                                     WHERE k.pid = b.pid
                                       AND k.locktype = 'relation'
                                       AND k.relation = x.indrelid))) AS building,
       {nulls_not_distinct} AS nulls_not_distinct
FROM pg_catalog.pg_index AS x
JOIN pg_catalog.pg_class AS c ON c.oid = x.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
LEFT JOIN pg_catalog.pg_tablespace AS t ON t.oid = c.reltablespace
LEFT JOIN pg_catalog.pg_inherits AS h ON h.inhrelid = x.indexrelid
LEFT JOIN pg_catalog.pg_description AS d
       ON d.objoid = x.indexrelid AND d.classoid = 'pg_catalog.pg_class'::regclass AND d.objsubid = 0
CROSS JOIN LATERAL (
    SELECT array_agg(a.attname::text ORDER BY u.ord) AS columns,
           -- varchar_ops and text_ops are one: of a family's classes for one type the first stands for all.
           array_agg(pn.nspname || '.' || CASE WHEN m.amname IN ('btree', 'hash') THEN
               (SELECT min(q.opcname) FROM pg_catalog.pg_opclass AS q
                WHERE q.opcfamily = p.opcfamily AND q.opcintype = p.opcintype
                  AND q.opcnamespace = p.opcnamespace) ELSE p.opcname END ORDER BY u.ord) AS opclasses,
           array_agg(ln.nspname || '.' || l.collname ORDER BY u.ord) AS collations,
           array_agg(x.indoption[u.ord - 1]::int ORDER BY u.ord) AS options,
           array_agg(i.attstattarget::int ORDER BY u.ord) AS targets,
           array_agg(array_to_string(i.attoptions, E'\x01') ORDER BY u.ord) AS opclass_options,
           array_agg(i.attname::text ORDER BY u.ord) AS own_names
    FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS u(attnum, ord)
    LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = u.attnum AND u.attnum <> 0
    LEFT JOIN pg_catalog.pg_attribute AS i ON i.attrelid = x.indexrelid AND i.attnum = u.ord
    LEFT JOIN pg_catalog.pg_opclass AS p ON p.oid = x.indclass[u.ord - 1]
    LEFT JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.opcnamespace
    LEFT JOIN pg_catalog.pg_collation AS l ON l.oid = x.indcollation[u.ord - 1]
    LEFT JOIN pg_catalog.pg_namespace AS ln ON ln.oid = l.collnamespace) AS k
WHERE x.indrelid = ANY ($1)
