/* pgstrata inspect */
SELECT i.inhparent AS root,
       c.oid AS oid,
       s.spcname AS tablespace,
       has_schema_privilege(p.relowner, c.relnamespace, 'CREATE')
       AND has_schema_privilege(p.relowner, c.relnamespace, 'USAGE') AS creates_in_schema,
       EXISTS (SELECT FROM pg_catalog.pg_index AS x WHERE x.indrelid = c.oid AND x.indisprimary) AS primary_key,
       c.relrowsecurity AS row_security,
       c.relforcerowsecurity AS force_row_security,
       c.relreplident AS replica_identity,
       (SELECT n.relname FROM pg_catalog.pg_index AS x JOIN pg_catalog.pg_class AS n ON n.oid = x.indexrelid
        WHERE x.indrelid = c.oid AND x.indisreplident) AS replica_identity_index,
       (SELECT n.relname FROM pg_catalog.pg_index AS w
        JOIN pg_catalog.pg_inherits AS h ON h.inhparent = w.indexrelid
        JOIN pg_catalog.pg_index AS x ON x.indexrelid = h.inhrelid AND x.indrelid = c.oid AND x.indisvalid
        JOIN pg_catalog.pg_class AS n ON n.oid = x.indexrelid
        WHERE w.indrelid = p.oid AND w.indisreplident) AS identity_index,
       ARRAY (SELECT b.pubname::text FROM pg_catalog.pg_publication_rel AS q
              JOIN pg_catalog.pg_publication AS b ON b.oid = q.prpubid
              WHERE q.prrelid = c.oid AND NOT EXISTS (
                  SELECT FROM pg_catalog.pg_publication_rel AS o
                  WHERE o.prrelid = p.oid AND o.prpubid = q.prpubid)) AS publications,
       lacks.schemas AS lacks_schemas,
       lacks.names AS lacks_names
FROM pg_catalog.pg_inherits AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
JOIN pg_catalog.pg_class AS p ON p.oid = i.inhparent
LEFT JOIN pg_catalog.pg_tablespace AS s ON s.oid = c.reltablespace
CROSS JOIN LATERAL (
    SELECT array_agg(n.nspname::text ORDER BY w.oid) AS schemas, array_agg(w.stxname::text ORDER BY w.oid) AS names
    FROM pg_catalog.pg_statistic_ext AS w
    JOIN pg_catalog.pg_namespace AS n ON n.oid = w.stxnamespace
    WHERE w.stxrelid = p.oid AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_statistic_ext AS h
        WHERE h.stxrelid = c.oid AND h.stxkind = w.stxkind
          -- Columns have other numbers once some were dropped; that other ones are meant is the lesser error.
          AND regexp_replace(h.stxexprs::text, ':(location|varattno|varattnosyn) -?\d+', '', 'g')
              IS NOT DISTINCT FROM regexp_replace(w.stxexprs::text, ':(location|varattno|varattnosyn) -?\d+', '', 'g')
          AND ARRAY (SELECT a.attname::text FROM pg_catalog.pg_attribute AS a
                     WHERE a.attrelid = h.stxrelid AND a.attnum = ANY (h.stxkeys::int2[]) ORDER BY 1)
            = ARRAY (SELECT a.attname::text FROM pg_catalog.pg_attribute AS a
                     WHERE a.attrelid = w.stxrelid AND a.attnum = ANY (w.stxkeys::int2[]) ORDER BY 1))) AS lacks
WHERE c.oid = ANY ($1)
