-- Whoever a concurrent statement would wait for: in this database, with a lock on what it locks, or with any transaction at
-- all (FINALIZE waits for every older snapshot). Every role sees pids, names and virtual transactions of all sessions;
-- how old a transaction is and what kind a backend is, only some do: a transaction is old when two looks see it, and a
-- backend of unknown kind counts unless it has no role, as autovacuum. A concurrent build waits for snapshots only: whoever
-- idles in a transaction without one is not in its way, where that can be seen.
SELECT DISTINCT ON (l.virtualtransaction)
  l.virtualtransaction,
  CASE
    WHEN l.pid IS NULL THEN 'a prepared transaction (see pg_prepared_xacts)'
    ELSE format('process %s (%s as %s)', l.pid, coalesce(nullif(a.application_name, ''), 'unnamed'), coalesce(a.usename, 'unknown'))
  END
FROM pg_locks l
LEFT JOIN pg_stat_activity a USING (pid)
WHERE l.granted
  AND l.pid IS DISTINCT FROM pg_backend_pid()
  AND (
    l.pid IS NULL
    OR (
      a.datname = current_database()
      AND coalesce(a.backend_type, CASE WHEN a.usename IS NULL THEN 'autovacuum worker' ELSE 'client backend' END)
        NOT IN ('autovacuum worker', 'parallel worker')
      -- Our own lanes: the run lock leaves no other run of this name in the database.
      AND (a.application_name, a.usename) IS DISTINCT FROM (current_setting('application_name'), session_user::name)
    )
  )
  AND (
    (l.locktype = 'virtualxid' AND l.pid IS NOT NULL AND (NOT $SNAPSHOTS OR a.state IS NULL OR a.backend_xmin IS NOT NULL))
    OR (
      l.locktype = 'relation'
      AND l.relation IN ($RELATIONS)
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
  )
ORDER BY l.virtualtransaction, l.pid
