/* pgstrata inspect */
-- A value that waits for a restart counts as one that could not be applied: that is told of the setting itself.
SELECT pg_catalog.concat(f.sourcefile, ':', f.sourceline), pg_catalog.lower(f.name), f.error
FROM pg_catalog.pg_file_settings AS f
LEFT JOIN pg_catalog.pg_settings AS s ON pg_catalog.lower(s.name) OPERATOR(pg_catalog.=) pg_catalog.lower(f.name)
WHERE f.error IS NOT NULL AND s.pending_restart IS NOT TRUE
ORDER BY f.seqno LIMIT 20
