/* pgstrata inspect */
WITH RECURSIVE tree AS (
  SELECT o AS root, o AS oid FROM unnest($1) o
  UNION ALL
  SELECT t.root, i.inhrelid FROM tree t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
)
SELECT t.root, count(DISTINCT t.oid), count(x.indexrelid)
FROM tree t LEFT JOIN pg_catalog.pg_index x ON x.indrelid = t.oid
GROUP BY t.root
