/* pgstrata inspect */
-- Raw catalogs only. A row for each partition that is worth one: what is like its parent, and has no parameters, has none.
WITH root AS (
    SELECT p.oid, p.relowner, p.relacl, p.relrowsecurity, p.relforcerowsecurity, p.relreplident, p.reltablespace,
           (SELECT x.indexrelid FROM pg_catalog.pg_index AS x WHERE x.indrelid = p.oid AND x.indisreplident) AS identity
    FROM pg_catalog.pg_class AS p WHERE p.oid = ANY ($1)),
leaf AS (
    SELECT i.inhparent AS root, c.oid, c.reloptions, c.reltoastrelid <> 0 AS toasted, t.reloptions AS toast_options,
           c.relowner <> p.relowner
           -- The order of grants is that in which they were made.
           OR (c.relacl IS DISTINCT FROM p.relacl
               AND NOT coalesce(c.relacl @> p.relacl AND c.relacl <@ p.relacl, false))
           OR c.relrowsecurity <> p.relrowsecurity
           OR c.relforcerowsecurity <> p.relforcerowsecurity
           OR (p.reltablespace <> 0 AND c.reltablespace <> p.reltablespace)
           OR c.relreplident <> p.relreplident
           OR (c.relreplident = 'i' AND NOT EXISTS (
                   SELECT FROM pg_catalog.pg_index AS x JOIN pg_catalog.pg_inherits AS h ON h.inhrelid = x.indexrelid
                   WHERE x.indrelid = c.oid AND x.indisreplident AND h.inhparent = p.identity)) AS differs
    FROM pg_catalog.pg_inherits AS i
    JOIN root AS p ON p.oid = i.inhparent
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid AND c.relkind = 'r'
    LEFT JOIN pg_catalog.pg_class AS t ON t.oid = c.reltoastrelid
    WHERE NOT i.inhdetachpending),
relation AS (SELECT oid FROM root UNION ALL SELECT oid FROM leaf),
-- Of columns only what is set. Unset is -1 before 17, and NULL from 17 on.
set_column AS (
    SELECT a.attrelid,
           string_agg(concat_ws('|', a.attname, a.attacl::text, nullif(a.attstattarget, -1), a.attcompression),
                      ',' ORDER BY a.attname) AS digest
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid IN (SELECT oid FROM relation) AND a.attnum > 0 AND NOT a.attisdropped
      AND (a.attacl IS NOT NULL OR a.attstattarget >= 0 OR a.attcompression <> '')
    GROUP BY a.attrelid),
-- Only what the parent itself sets: to look at every column of every partition would take longer than all the rest.
root_column AS MATERIALIZED (
    SELECT r.attrelid, r.attname, r.attstorage
    FROM pg_catalog.pg_attribute AS r
    JOIN pg_catalog.pg_type AS y ON y.oid = r.atttypid
    WHERE r.attrelid = ANY ($1) AND r.attnum > 0 AND NOT r.attisdropped AND r.attstorage <> y.typstorage),
stored AS (
    SELECT DISTINCT l.oid
    FROM root_column AS r
    JOIN leaf AS l ON l.root = r.attrelid
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = l.oid AND a.attname = r.attname
    WHERE a.attstorage <> r.attstorage),
policies AS (
    -- Where in the text of the policy something stood is no difference.
    SELECT y.polrelid,
           array_agg(concat_ws('|', y.polname, y.polcmd, y.polpermissive,
                               (SELECT array_agg(o ORDER BY o) FROM unnest(y.polroles) AS o)::text,
                               md5(replace(regexp_replace(y.polqual::text, ':location -?\d+', '', 'g'),
                                           ':vartype ' || c.reltype || ' ', ':vartype own ')),
                               md5(replace(regexp_replace(y.polwithcheck::text, ':location -?\d+', '', 'g'),
                                           ':vartype ' || c.reltype || ' ', ':vartype own ')))
                     ORDER BY y.polname) AS digest
    FROM pg_catalog.pg_policy AS y
    JOIN pg_catalog.pg_class AS c ON c.oid = y.polrelid
    WHERE y.polrelid IN (SELECT oid FROM relation)
    GROUP BY y.polrelid),
extended AS (
    SELECT s.stxrelid, array_agg(s.stxkind::text || k.columns) AS digest
    FROM pg_catalog.pg_statistic_ext AS s
    CROSS JOIN LATERAL (
        SELECT coalesce(string_agg(a.attname, ',' ORDER BY a.attname), '')
               || coalesce(md5(regexp_replace(s.stxexprs::text, ':(location|varattno|varattnosyn) -?\d+', '', 'g')), '') AS columns
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = s.stxrelid AND a.attnum = ANY (s.stxkeys::int2[])) AS k
    WHERE s.stxrelid IN (SELECT oid FROM relation)
    GROUP BY s.stxrelid)
SELECT found.*
FROM (
    SELECT l.root, l.oid, l.reloptions, l.toast_options, l.toasted,
           l.differs
           OR s.oid IS NOT NULL
           OR mine.digest IS DISTINCT FROM of_root.digest
           OR own.digest IS DISTINCT FROM theirs.digest
           OR NOT coalesce(wanted.digest, '{}') <@ coalesce(has.digest, '{}')
           OR EXISTS (SELECT FROM pg_catalog.pg_publication_rel AS q
                      WHERE q.prrelid = l.oid AND NOT EXISTS (
                          SELECT FROM pg_catalog.pg_publication_rel AS o
                          WHERE o.prrelid = l.root AND o.prpubid = q.prpubid)) AS differs
    FROM leaf AS l
    LEFT JOIN stored AS s ON s.oid = l.oid
    LEFT JOIN set_column AS mine ON mine.attrelid = l.oid
    LEFT JOIN set_column AS of_root ON of_root.attrelid = l.root
    LEFT JOIN policies AS own ON own.polrelid = l.oid
    LEFT JOIN policies AS theirs ON theirs.polrelid = l.root
    LEFT JOIN extended AS has ON has.stxrelid = l.oid
    LEFT JOIN extended AS wanted ON wanted.stxrelid = l.root) AS found
WHERE found.differs OR NOT found.toasted OR found.reloptions IS NOT NULL OR found.toast_options IS NOT NULL
