/* pgstrata inspect */
SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname = ANY ($1) AND pg_has_role(session_user, r.oid, $2)
