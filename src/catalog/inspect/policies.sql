/* pgstrata inspect */
SELECT p.polrelid,
       p.polname,
       p.polpermissive,
       p.polcmd,
       ARRAY (SELECT CASE WHEN m.oid = 0 THEN NULL ELSE pg_get_userbyid(m.oid)::text END
              FROM unnest(p.polroles) AS m(oid) ORDER BY 1) AS roles,
       pg_get_expr(p.polqual, p.polrelid),
       pg_get_expr(p.polwithcheck, p.polrelid)
FROM pg_catalog.pg_policy AS p
WHERE p.polrelid = ANY ($1)
ORDER BY p.polname
