/* pgstrata inspect */
-- Whoever lost the counters began to count anew, and says when: a crash resets the writer's row along with all others.
SELECT (extract(epoch FROM greatest(pg_stat_get_bgwriter_stat_reset_time(),
                                    (SELECT pg_stat_get_db_stat_reset_time(oid) FROM pg_catalog.pg_database
                                     WHERE datname = current_database()))) * 1000000)::int8 AS counted_since,
       current_setting('block_size')::int8 AS block_bytes,
       -- Only transactions of this database, and standbys, count. What sessions of others read is not shown to
       -- everybody; what they have written is.
       coalesce((SELECT max(x.age) FROM (
           SELECT greatest(age(a.backend_xmin), age(a.backend_xid), age(l.transactionid)) AS age
           FROM pg_catalog.pg_stat_activity AS a
           LEFT JOIN pg_catalog.pg_locks AS l ON l.locktype = 'transactionid' AND l.granted AND l.pid = a.pid
           WHERE a.pid <> pg_backend_pid() AND (a.datname = current_database() OR a.datid IS NULL)
           UNION ALL SELECT age(p.transaction) FROM pg_catalog.pg_prepared_xacts AS p
           WHERE p.database = current_database()
           UNION ALL SELECT age(s.xmin) FROM pg_catalog.pg_replication_slots AS s) AS x), 0) AS horizon_age,
       (SELECT array_agg(g.name || '=' || g.setting ORDER BY g.name) FROM pg_catalog.pg_settings AS g
        WHERE g.name LIKE 'autovacuum%' OR g.name IN ('vacuum_failsafe_age', 'vacuum_multixact_failsafe_age',
              'vacuum_freeze_table_age', 'track_counts')) AS settings
