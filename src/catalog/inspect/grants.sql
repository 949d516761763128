/* pgstrata inspect */
SELECT c.oid, g.grantee = 0, r.rolname, a.attname, g.is_grantable, g.privilege_type
FROM pg_catalog.pg_class AS c
CROSS JOIN LATERAL (
    SELECT NULL::name AS attname, c.relacl AS acl
    UNION ALL
    SELECT k.attname, k.attacl FROM pg_catalog.pg_attribute AS k
    WHERE k.attrelid = c.oid AND k.attnum > 0 AND NOT k.attisdropped AND k.attacl IS NOT NULL) AS a
CROSS JOIN LATERAL aclexplode(a.acl) AS g
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = g.grantee
WHERE c.oid = ANY ($1) AND g.grantee <> c.relowner
