/* pgstrata inspect */
-- Raw catalogs, the lock table and counters: none of these opens a user's table.
WITH held AS (
    SELECT l.relation,
           bool_or(l.mode <> 'RowExclusiveLock') AS maintains,
           max(array_position($2::text[], l.mode)) AS strength
    FROM pg_catalog.pg_locks AS l
    WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
      AND l.mode = ANY ($2::text[])
    GROUP BY l.relation)
SELECT r.root,
       c.oid,
       c.relkind,
       c.relpages,
       c.reltuples,
       c.relallvisible,
       {frozen} AS frozen,
       CASE WHEN c.relkind = 'r' THEN greatest(age(c.relfrozenxid), age(t.relfrozenxid)) END AS xid_age,
       CASE WHEN c.relkind = 'r' THEN greatest(mxid_age(c.relminmxid), mxid_age(t.relminmxid)) END AS mxid_age,
       ($2::text[])[h.strength] AS busy,
       h.maintains,
       {maintain} AS may_maintain,
       (extract(epoch FROM pg_stat_get_last_analyze_time(c.oid)) * 1000000)::int8 AS analyzed_at,
       (extract(epoch FROM greatest(pg_stat_get_last_vacuum_time(c.oid),
                                    pg_stat_get_last_autovacuum_time(c.oid))) * 1000000)::int8 AS vacuumed_at,
       pg_stat_get_dead_tuples(c.oid) AS dead,
       pg_stat_get_ins_since_vacuum(c.oid) AS inserted,
       pg_stat_get_mod_since_analyze(c.oid) AS modified,
       c.reloptions
FROM (SELECT u.oid AS root, u.oid FROM unnest($1::oid[]) AS u(oid)
      UNION ALL
      SELECT i.inhparent, i.inhrelid FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = ANY ($1)) AS r
JOIN pg_catalog.pg_class AS c ON c.oid = r.oid
LEFT JOIN pg_catalog.pg_class AS t ON t.oid = c.reltoastrelid
LEFT JOIN held AS h ON h.relation = c.oid
WHERE c.relkind IN ('p', 'r')
