/* pgstrata inspect */
SELECT n, pg_catalog.has_parameter_privilege(n, 'ALTER SYSTEM')
FROM pg_catalog.unnest($1) n
