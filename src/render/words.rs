//! Sizes, numbers, days and durations as people read them.

use jiff::Timestamp;

use crate::grid::Width;
use crate::plan::Runway;

/// `402 GB`: 1024-based, three significant digits, as `pg_size_pretty` names units.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["bytes", "kB", "MB", "GB", "TB", "PB"];
    let mut unit = 0;
    let mut whole = bytes;
    let mut tenths = 0;
    while whole >= 1000 && unit < UNITS.len() - 1 {
        tenths = (whole % 1024) * 10 / 1024;
        whole /= 1024;
        unit += 1;
    }
    if unit > 0 && whole < 10 {
        format!("{whole}.{tenths} {}", UNITS[unit])
    } else {
        format!("{whole} {}", UNITS[unit])
    }
}

/// `~1.9e9 rows`: the server's estimate, marked as such; without one, unknown.
pub fn rows(estimate: Option<u64>) -> String {
    match estimate {
        None => "unknown rows".to_owned(),
        Some(1) => "~1 row".to_owned(),
        Some(rows) if rows < 100_000 => format!("~{rows} rows"),
        Some(rows) => {
            let digits = rows.to_string();
            format!("~{}.{}e{} rows", &digits[..1], &digits[1..2], digits.len() - 1)
        }
    }
}

/// `2026-03-21`, or with the time when it is not midnight: in UTC, like everything shown.
pub fn day(at: Timestamp) -> String {
    let text = at.to_string();
    match text.split_once('T') {
        Some((day, "00:00:00Z")) => day.to_owned(),
        Some((day, time)) => format!("{day} {}Z", &time[..5.min(time.len())]),
        None => text,
    }
}

/// `2026-03-14T09:40:07Z`: an instant without its fraction.
pub fn second(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

/// A length of time, or a number of keys.
pub fn runway(runway: Runway) -> String {
    match runway {
        Runway::Seconds(seconds) => duration(seconds),
        Runway::Keys { keys } => Width::Keys(keys).to_string(),
    }
}

/// `6d`, `25h`, `40min`: a length of time, rounded down to its largest sensible unit.
pub fn duration(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    match seconds {
        s if s >= 2 * DAY => format!("{}d", s / DAY),
        s if s >= 2 * HOUR => format!("{}h", s / HOUR),
        s if s >= 2 * MINUTE => format!("{}min", s / MINUTE),
        s => format!("{s}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_rows_read_as_people_say_them() {
        for (size, text) in
            [(0, "0 bytes"), (999, "999 bytes"), (8192, "8.0 kB"), (1 << 30, "1.0 GB"), (431 << 30, "431 GB")]
        {
            assert_eq!(bytes(size), text);
        }
        for (count, text) in [(None, "unknown rows"), (Some(0), "~0 rows"), (Some(1_900_000_000), "~1.9e9 rows")] {
            assert_eq!(rows(count), text);
        }
        assert_eq!(duration(7 * 86_400), "7d");
        assert_eq!(duration(90_000), "25h");
        assert_eq!(second("2026-03-14T09:40:07.123456Z".parse().unwrap()), "2026-03-14T09:40:07Z");
    }
}
