/* pgstrata inspect */
SELECT y.polrelid AS oid,
       y.polname AS name,
       pg_get_expr(y.polqual, y.polrelid) AS using_clause,
       pg_get_expr(y.polwithcheck, y.polrelid) AS check_clause
FROM unnest($1::oid[], $2::text[]) AS w(oid, name)
JOIN pg_catalog.pg_policy AS y ON y.polrelid = w.oid AND y.polname = w.name
