/* pgstrata inspect */
-- The session's search_path is the role's own here: every name is qualified.
SELECT pg_catalog.lower(s.name), s.reset_val, s.source, s.sourcefile, s.sourceline, s.unit, s.vartype, s.context,
       s.min_val, s.max_val, coalesce(s.enumvals, '{}'), s.pending_restart, s.boot_val
FROM pg_catalog.pg_settings s
WHERE pg_catalog.lower(s.name) OPERATOR(pg_catalog.=) ANY ($1)
