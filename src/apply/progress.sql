SELECT phase,
       CASE WHEN blocks_total > 0 THEN 100 * blocks_done / blocks_total
            WHEN tuples_total > 0 THEN 100 * tuples_done / tuples_total END,
       CASE WHEN lockers_total > 0 THEN format('%s of %s', lockers_done, lockers_total) END,
       nullif(current_locker_pid, 0)
FROM pg_stat_progress_create_index
WHERE pid = $PID
