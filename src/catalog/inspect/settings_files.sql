/* pgstrata inspect */
-- The last one counts. It is taken where the server's value comes from this line, and no file was written since it read
-- them; when it was written only superusers may ask (pg_stat_file has whole seconds, rounded down).
SELECT pg_catalog.lower(f.name), f.setting,
       coalesce(f.applied AND f.error IS NULL AND s.sourcefile OPERATOR(pg_catalog.=) f.sourcefile
                AND s.sourceline OPERATOR(pg_catalog.=) f.sourceline
                AND CASE WHEN $2 THEN (pg_catalog.pg_stat_file(f.sourcefile, true)).modification
                                      OPERATOR(pg_catalog.<=) pg_catalog.pg_conf_load_time() ELSE true END, false)
FROM pg_catalog.pg_file_settings f
LEFT JOIN pg_catalog.pg_settings s ON pg_catalog.lower(s.name) OPERATOR(pg_catalog.=) pg_catalog.lower(f.name)
WHERE pg_catalog.lower(f.name) OPERATOR(pg_catalog.=) ANY ($1)
ORDER BY f.seqno
