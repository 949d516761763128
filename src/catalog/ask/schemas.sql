/* pgstrata inspect */
-- CREATE alone is no use: whoever may not use a schema finds nothing in it.
SELECT n.oid IS NOT NULL
       AND (w.role_name IS NULL
            OR coalesce(has_schema_privilege(r.oid, n.oid, 'CREATE') AND has_schema_privilege(r.oid, n.oid, 'USAGE'), false))
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w(schema_name, role_name, at)
LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema_name
LEFT JOIN pg_catalog.pg_roles AS r ON r.rolname = w.role_name
ORDER BY w.at
