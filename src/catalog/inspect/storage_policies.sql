/* pgstrata inspect */
-- Expressions are compared as they are stored: to print one would open its table. Columns are numbers there: what is not the
-- same may still mean the same.
WITH layout AS (
    SELECT a.attrelid, md5(string_agg(a.attnum || a.attname, ',' ORDER BY a.attnum)) AS digest
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attnum > 0 AND NOT a.attisdropped
      AND a.attrelid IN (SELECT unnest($1::oid[])
                         UNION SELECT i.inhparent FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = ANY ($1))
    GROUP BY a.attrelid),
policy AS (
    SELECT y.polrelid, y.polname, y.polcmd, y.polpermissive,
           ARRAY (SELECT o FROM unnest(y.polroles) AS o ORDER BY o) AS roles,
           y.polqual IS NULL AS reads_all,
           y.polwithcheck IS NULL AS writes_all,
           -- A whole row is of the table's own type.
           md5(replace(concat_ws('|', regexp_replace(y.polqual::text, ':location -?\d+', '', 'g'),
                                 regexp_replace(y.polwithcheck::text, ':location -?\d+', '', 'g'), l.digest),
                       ':vartype ' || c.reltype || ' ', ':vartype own ')) AS meaning
    FROM pg_catalog.pg_policy AS y
    JOIN pg_catalog.pg_class AS c ON c.oid = y.polrelid
    JOIN layout AS l ON l.attrelid = y.polrelid)
SELECT i.inhparent AS root,
       y.polrelid AS oid,
       y.polname AS name,
       r.polrelid IS NULL AS own,
       y.polcmd = r.polcmd AND y.polpermissive = r.polpermissive AND y.roles = r.roles
       AND y.reads_all = r.reads_all AND y.writes_all = r.writes_all AS alike,
       y.meaning = r.meaning AS same,
       y.meaning AS meaning
FROM policy AS y
JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = y.polrelid
LEFT JOIN policy AS r ON r.polrelid = i.inhparent AND r.polname = y.polname
WHERE y.polrelid = ANY ($1)
ORDER BY y.polrelid, y.polname
