/* pgstrata inspect */
SELECT r.rolname, pg_has_role(session_user, r.oid, $2), r.rolsuper, pg_has_role(session_user, r.oid, 'USAGE')
FROM pg_catalog.pg_roles AS r
WHERE r.rolname = ANY ($1)
