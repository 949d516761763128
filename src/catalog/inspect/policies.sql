/* pgstrata inspect */
SELECT p.polrelid,
       p.polname,
       p.polpermissive,
       p.polcmd,
       ARRAY (SELECT CASE WHEN m.oid = 0 THEN NULL ELSE pg_get_userbyid(m.oid)::text END
              FROM unnest(p.polroles) AS m(oid) ORDER BY 1) AS roles,
       pg_get_expr(p.polqual, p.polrelid),
       pg_get_expr(p.polwithcheck, p.polrelid),
       r.schemas,
       r.names
FROM pg_catalog.pg_policy AS p
CROSS JOIN LATERAL (
    SELECT array_agg(n.nspname::text ORDER BY c.oid) AS schemas, array_agg(c.relname::text ORDER BY c.oid) AS names
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f') AND c.oid IN (
        SELECT d.refobjid FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_catalog.pg_policy'::regclass AND d.objid = p.oid
          AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> p.polrelid)) AS r
WHERE p.polrelid = ANY ($1)
ORDER BY p.polname
