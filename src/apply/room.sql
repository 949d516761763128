-- How many more sessions of this role the server, the database and the role take. What kind of backend another role's is
-- may be hidden: it counts as a session then.
SELECT least(
         current_setting('max_connections')::int - s.sessions
           - CASE WHEN r.rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::int END
           - CASE WHEN r.rolsuper OR r.reserved THEN 0
                  ELSE coalesce(current_setting('reserved_connections', true), '0')::int END,
         CASE WHEN d.datconnlimit >= 0 AND NOT r.rolsuper THEN d.datconnlimit - s.in_database END,
         CASE WHEN r.rolconnlimit >= 0 AND NOT r.rolsuper THEN r.rolconnlimit - s.of_role END)
FROM (SELECT rolsuper, rolconnlimit, oid,
             EXISTS (SELECT FROM pg_catalog.pg_roles AS k
                     WHERE k.rolname = 'pg_use_reserved_connections' AND pg_has_role(a.oid, k.oid, 'USAGE')) AS reserved
      FROM pg_catalog.pg_roles AS a WHERE a.rolname = session_user) AS r,
     (SELECT oid, datconnlimit FROM pg_catalog.pg_database WHERE datname = current_database()) AS d,
     LATERAL (SELECT count(*)::int AS sessions,
                     count(*) FILTER (WHERE a.datid = d.oid)::int AS in_database,
                     count(*) FILTER (WHERE a.usesysid = r.oid)::int AS of_role
              FROM pg_catalog.pg_stat_activity AS a
              WHERE a.datid IS NOT NULL AND coalesce(a.backend_type, 'client backend') = 'client backend') AS s
