//! Units of settings, as far as no server need be asked: `64XB` is a mistake on each of them.

const SIZES: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
const TIMES: [&str; 6] = ["us", "ms", "s", "min", "h", "d"];

/// Settings that are sizes, on 14 to 18.
const SIZED: [&str; 24] = [
    "autovacuum_work_mem",
    "backend_flush_after",
    "bgwriter_flush_after",
    "checkpoint_flush_after",
    "effective_cache_size",
    "gin_pending_list_limit",
    "logical_decoding_work_mem",
    "log_temp_files",
    "maintenance_work_mem",
    "max_slot_wal_keep_size",
    "max_stack_depth",
    "max_wal_size",
    "min_dynamic_shared_memory",
    "min_parallel_index_scan_size",
    "min_parallel_table_scan_size",
    "min_wal_size",
    "shared_buffers",
    "temp_buffers",
    "temp_file_limit",
    "vacuum_buffer_usage_limit",
    "wal_buffers",
    "wal_keep_size",
    "wal_skip_threshold",
    "work_mem",
];

/// Settings that are times.
const TIMED: [&str; 29] = [
    "archive_timeout",
    "authentication_timeout",
    "autovacuum_naptime",
    "autovacuum_vacuum_cost_delay",
    "bgwriter_delay",
    "checkpoint_timeout",
    "checkpoint_warning",
    "client_connection_check_interval",
    "deadlock_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "lock_timeout",
    "log_autovacuum_min_duration",
    "log_min_duration_sample",
    "log_min_duration_statement",
    "log_rotation_age",
    "log_startup_progress_interval",
    "max_standby_archive_delay",
    "max_standby_streaming_delay",
    "statement_timeout",
    "tcp_keepalives_idle",
    "tcp_keepalives_interval",
    "tcp_user_timeout",
    "transaction_timeout",
    "vacuum_cost_delay",
    "wal_receiver_status_interval",
    "wal_receiver_timeout",
    "wal_sender_timeout",
    "wal_writer_delay",
];

/// What is wrong with the unit of a setting's value, and what to do. What has no unit, or is no number, is the server's to
/// judge.
pub(super) fn refusal(name: &str, value: &str) -> Option<(String, String)> {
    let units: &[&str] = match () {
        () if SIZED.contains(&name) => &SIZES,
        () if TIMED.contains(&name) => &TIMES,
        () => return None,
    };
    let text = value.trim();
    let number = text.trim_start_matches(['+', '-']);
    let unit = number.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim_start();
    let is_number = number.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    // Hexadecimal, or with an exponent.
    let is_other = number.starts_with("0x")
        || number.starts_with("0X")
        || unit.strip_prefix(['e', 'E']).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '-'));
    if !is_number || unit.is_empty() || is_other || units.contains(&unit) {
        return None;
    }
    let meant = units.iter().find(|known| known.eq_ignore_ascii_case(unit)).copied();
    let all = units.join(", ");
    let help = meant.map_or_else(
        || format!("PostgreSQL's units of it are {all}"),
        |meant| {
            let figure = text.get(..text.len() - unit.len()).unwrap_or(text).trim_end();
            format!("did you mean `{figure}{meant}`? Units of it are {all}")
        },
    );
    Some((format!("`{unit}` is no unit of {name}"), help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_that_no_server_takes_is_refused() {
        for (name, value, unit) in [
            ("work_mem", "64XB", "XB"),
            ("work_mem", "64 mb", "mb"),
            ("work_mem", "5min", "min"),
            ("lock_timeout", "2 sec", "sec"),
            ("statement_timeout", "5MB", "MB"),
            ("log_temp_files", "1.5g", "g"),
        ] {
            let (message, help) = refusal(name, value).unwrap_or_else(|| panic!("{name} = {value}"));
            assert_eq!(message, format!("`{unit}` is no unit of {name}"));
            assert!(help.contains("nits of it are"), "{help}");
        }
        assert!(refusal("work_mem", "64 mb").unwrap().1.starts_with("did you mean `64MB`?"));
        for (name, value) in [
            ("work_mem", "64MB"),
            ("work_mem", "64 kB"),
            ("work_mem", "65536"),
            ("autovacuum_work_mem", "-1"),
            ("statement_timeout", "0.5h"),
            ("work_mem", "0x10000"),
            ("work_mem", "1e4"),
            // For the server.
            ("work_mem", "much"),
            ("cluster_name", "64XB"),
            ("random_page_cost", "1.1"),
        ] {
            assert_eq!(refusal(name, value), None, "{name} = {value}");
        }
    }
}
