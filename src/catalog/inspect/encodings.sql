/* pgstrata inspect */
-- Names in these tables' trees ($1 schemas, $2 names) that are no UTF-8: a database in SQL_ASCII takes any bytes, and refuses
-- them to whoever reads UTF-8, with the whole answer that they are in. Given with octal escapes. In such a database a regular
-- expression sees bytes.
WITH RECURSIVE roots AS (
    SELECT w.schema_name, w.table_name, c.oid
    FROM unnest($1::pg_catalog.text[], $2::pg_catalog.text[]) AS w(schema_name, table_name)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema_name
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.table_name),
tree AS (
    SELECT r.schema_name, r.table_name, r.oid FROM roots AS r
    UNION
    SELECT t.schema_name, t.table_name, i.inhrelid
    FROM tree AS t JOIN pg_catalog.pg_inherits AS i ON i.inhparent = t.oid),
names AS (
    SELECT t.schema_name, t.table_name, 'partition' AS what, n.nspname::pg_catalog.text || '.' || c.relname::pg_catalog.text AS name
    FROM tree AS t
    JOIN pg_catalog.pg_class AS c ON c.oid = t.oid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    UNION ALL
    SELECT t.schema_name, t.table_name, 'index', c.relname::pg_catalog.text
    FROM tree AS t
    JOIN pg_catalog.pg_index AS x ON x.indrelid = t.oid
    JOIN pg_catalog.pg_class AS c ON c.oid = x.indexrelid
    UNION ALL
    SELECT t.schema_name, t.table_name, 'column', a.attname::pg_catalog.text
    FROM tree AS t
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT t.schema_name, t.table_name, 'constraint', k.conname::pg_catalog.text
    FROM tree AS t
    JOIN pg_catalog.pg_constraint AS k ON k.conrelid = t.oid
    UNION ALL
    SELECT t.schema_name, t.table_name, 'owner', r.rolname::pg_catalog.text
    FROM tree AS t
    JOIN pg_catalog.pg_class AS c ON c.oid = t.oid
    JOIN pg_catalog.pg_roles AS r ON r.oid = c.relowner)
SELECT schema_name, table_name, pg_catalog.min(
    what || ' ' || pg_catalog.encode(pg_catalog.convert_to(name, 'SQL_ASCII'), 'escape')) AS first,
    pg_catalog.count(*) AS names
FROM names
WHERE name !~ '{utf8}'
GROUP BY 1, 2
