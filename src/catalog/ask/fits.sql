/* pgstrata inspect */
-- Where ATTACH would refuse a table ($1) as a partition of another ($2). $3: it refuses identity columns.
WITH here AS (
    SELECT a.*, format_type(a.atttypid, a.atttypmod) AS type FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped),
there AS (
    SELECT a.*, format_type(a.atttypid, a.atttypmod) AS type FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = $2 AND a.attnum > 0 AND NOT a.attisdropped),
own AS (
    SELECT c.conname, c.convalidated, c.connoinherit, replace(pg_get_constraintdef(c.oid), ' NOT VALID', '') AS definition
    FROM pg_catalog.pg_constraint AS c WHERE c.conrelid = $1 AND c.contype = 'c')
SELECT 'missing', t.attname::text, NULL, t.type || CASE WHEN t.attnotnull THEN ' NOT NULL' ELSE '' END, t.attnum
FROM there AS t WHERE NOT EXISTS (SELECT FROM here AS h WHERE h.attname = t.attname)
UNION ALL
SELECT 'extra', h.attname::text, h.type, NULL, h.attnum
FROM here AS h WHERE NOT EXISTS (SELECT FROM there AS t WHERE t.attname = h.attname)
UNION ALL
SELECT k.kind, h.attname::text, k.here, k.there, t.attnum
FROM here AS h
JOIN there AS t USING (attname)
CROSS JOIN LATERAL (VALUES
    ('type', h.type, t.type, (h.atttypid, h.atttypmod) <> (t.atttypid, t.atttypmod)),
    ('collation', NULL, NULL, h.attcollation <> t.attcollation AND h.atttypid = t.atttypid),
    ('null', NULL, NULL, t.attnotnull AND NOT h.attnotnull),
    ('generated', CASE h.attgenerated WHEN '' THEN 'is not' ELSE 'is' END,
                  CASE t.attgenerated WHEN '' THEN 'is not' ELSE 'is' END, h.attgenerated <> t.attgenerated),
    ('identity', NULL, NULL, $3 AND h.attidentity <> '')) AS k(kind, here, there, differs)
WHERE k.differs
UNION ALL
SELECT CASE WHEN o.conname IS NULL THEN 'check missing' ELSE 'check differs' END, c.conname::text,
       o.definition || CASE WHEN o.connoinherit THEN ' NO INHERIT' ELSE '' END
                    || CASE WHEN o.convalidated THEN '' ELSE ' NOT VALID' END,
       pg_get_constraintdef(c.oid), 10000
FROM pg_catalog.pg_constraint AS c
LEFT JOIN own AS o ON o.conname = c.conname
WHERE c.conrelid = $2 AND c.contype = 'c' AND NOT c.connoinherit
  AND (o.conname IS NULL OR o.connoinherit OR (c.convalidated AND NOT o.convalidated)
       OR o.definition <> replace(pg_get_constraintdef(c.oid), ' NOT VALID', ''))
UNION ALL
SELECT 'trigger', g.tgname::text, NULL, NULL, 10001
FROM pg_catalog.pg_trigger AS g
WHERE g.tgrelid = $1 AND g.tgtype & 1 = 1 AND (g.tgoldtable IS NOT NULL OR g.tgnewtable IS NOT NULL)
ORDER BY 5, 1
