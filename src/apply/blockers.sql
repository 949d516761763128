-- Whoever a concurrent detach would wait for: in this database, with a lock on the parent (phase one), or with any
-- transaction at all (FINALIZE waits for every older snapshot). Every role sees pids, names and virtual transactions;
-- how old a transaction is, only some do: a transaction is old when two looks see it.
SELECT DISTINCT ON (l.virtualtransaction)
  l.virtualtransaction,
  CASE
    WHEN l.pid IS NULL THEN 'a prepared transaction (see pg_prepared_xacts)'
    ELSE format('process %s (%s as %s)', l.pid, coalesce(nullif(a.application_name, ''), 'unnamed'), coalesce(a.usename, 'unknown'))
  END
FROM pg_locks l
LEFT JOIN pg_stat_activity a USING (pid)
WHERE l.granted
  AND (l.pid IS NULL OR (a.datname = current_database() AND a.backend_type = 'client backend'))
  AND l.pid IS DISTINCT FROM pg_backend_pid()
  AND coalesce(a.application_name, '') !~ '^pgstrata/'
  AND (
    (l.locktype = 'virtualxid' AND l.pid IS NOT NULL)
    OR (l.locktype = 'relation' AND l.relation = $PARENT AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
  )
ORDER BY l.virtualtransaction, l.pid
