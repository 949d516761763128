/* pgstrata inspect */
SELECT r.rolname, n.nspname, lacks.create_, lacks.usage_
FROM pg_catalog.pg_roles AS r
CROSS JOIN pg_catalog.pg_namespace AS n
CROSS JOIN LATERAL (SELECT NOT pg_catalog.has_schema_privilege(r.oid, n.oid, 'CREATE') AS create_,
                           NOT pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE') AS usage_) AS lacks
WHERE r.rolname = ANY ($1) AND n.nspname = ANY ($2) AND (lacks.create_ OR lacks.usage_)
