/* pgstrata inspect */
SELECT current_database(),
       current_setting('cluster_name'),
       (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()),
       current_setting('server_version_num')::int,
       pg_is_in_recovery(),
       has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE'),
       session_user,
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user),
       -- Logical walsenders and base backups are in this view too. Most of its columns are NULL without a privilege,
       -- pid is not.
       EXISTS (SELECT FROM pg_catalog.pg_stat_replication AS r
               WHERE r.state IS DISTINCT FROM 'backup'
                 AND NOT EXISTS (SELECT FROM pg_catalog.pg_replication_slots AS s
                                 WHERE s.active_pid = r.pid AND s.slot_type = 'logical')),
       (extract(epoch FROM clock_timestamp()) * 1000000)::int8,
       current_setting('default_transaction_read_only')::bool,
       current_setting('max_locks_per_transaction')::int,
       current_setting('max_connections')::int,
       current_setting('max_prepared_transactions')::int,
       getdatabaseencoding()::text
