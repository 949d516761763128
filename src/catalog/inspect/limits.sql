/* pgstrata inspect */
WITH me AS (
  SELECT rolcreaterole, rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user
), backends AS (
  -- Who may not see more of a session sees no backend_type; what has a leader then counts once too often.
  SELECT usesysid, datid FROM pg_catalog.pg_stat_activity
  WHERE usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'
)
SELECT NULL::text,
       d.datconnlimit,
       false,
       (SELECT count(*) FROM backends AS b WHERE b.datid = d.oid),
       pg_has_role(session_user, d.datdba, 'USAGE'),
       pg_has_role(session_user, d.datdba, $2),
       o.rolname::text, d.datname::text,
       coalesce((SELECT s.setconfig FROM pg_catalog.pg_db_role_setting AS s
                 WHERE s.setdatabase = d.oid AND s.setrole = 0), '{}'),
       '{}'::text[]
FROM pg_catalog.pg_database AS d JOIN pg_catalog.pg_roles AS o ON o.oid = d.datdba
WHERE d.datname = current_database()
UNION ALL
SELECT r.rolname::text,
       r.rolconnlimit,
       r.rolsuper,
       (SELECT count(*) FROM backends AS b WHERE b.usesysid = r.oid),
       -- CREATE ROLE's documentation, "Notes", and user.c: a superuser's attributes are a superuser's to change, before 16
       -- those of a role with REPLICATION too; from 16 on the role must have been granted WITH ADMIN OPTION.
       me.rolsuper OR (me.rolcreaterole AND NOT r.rolsuper
         AND CASE WHEN $2 = 'SET' THEN pg_has_role(session_user, r.oid, 'MEMBER WITH ADMIN OPTION')
                  ELSE NOT r.rolreplication END),
       me.rolsuper OR r.rolname = session_user OR (me.rolcreaterole AND NOT r.rolsuper
         AND ($2 <> 'SET' OR pg_has_role(session_user, r.oid, 'MEMBER WITH ADMIN OPTION'))),
       NULL, NULL,
       coalesce((SELECT s.setconfig FROM pg_catalog.pg_db_role_setting AS s
                 JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase
                 WHERE s.setrole = r.oid AND d.datname = current_database()), '{}'),
       coalesce((SELECT s.setconfig FROM pg_catalog.pg_db_role_setting AS s
                 WHERE s.setrole = r.oid AND s.setdatabase = 0), '{}')
FROM pg_catalog.pg_roles AS r CROSS JOIN me
WHERE r.rolname = ANY ($1)
