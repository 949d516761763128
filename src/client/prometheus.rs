//! A client's counters as Prometheus reads them.

use std::io::{self, Write};

use super::counters::{Histogram, Stats};

impl Stats {
    /// Writes all of it in Prometheus' text format, names beginning with `pgstrata_client_`.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_prometheus(&self, out: &mut impl Write) -> io::Result<()> {
        let Self {
            open,
            idle,
            busy,
            waiting,
            opened,
            refused,
            closed,
            timeouts,
            resets,
            leaks,
            checks,
            failed,
            retried,
            hits,
            misses,
            coalesced,
            stale,
            cached_entries,
            cached_bytes,
            evicted,
            invalidated,
            expired,
            too_large,
            acquire,
            query,
        } = self;
        let mut family = |name: &str, kind: &str, help: &str, values: &[(&str, u64)]| {
            writeln!(out, "# HELP pgstrata_client_{name} {help}\n# TYPE pgstrata_client_{name} {kind}")?;
            values.iter().try_for_each(|(labels, value)| writeln!(out, "pgstrata_client_{name}{labels} {value}"))
        };
        let sessions = [("{state=\"idle\"}", u64::from(*idle)), ("{state=\"busy\"}", u64::from(*busy))];
        family("sessions", "gauge", "Sessions of the pool.", &sessions)?;
        family("sessions_open", "gauge", "Sessions that are open.", &[("", u64::from(*open))])?;
        family("waiting", "gauge", "Calls that wait for a session.", &[("", u64::from(*waiting))])?;
        family("sessions_opened_total", "counter", "Sessions opened.", &[("", *opened)])?;
        family("sessions_refused_total", "counter", "Attempts at a session that failed.", &[("", *refused)])?;
        let by: Vec<(String, u64)> =
            closed.iter().map(|(why, count)| (format!("{{reason=\"{}\"}}", why.as_str()), *count)).collect();
        let by: Vec<(&str, u64)> = by.iter().map(|(labels, count)| (labels.as_str(), *count)).collect();
        family("sessions_closed_total", "counter", "Sessions closed.", &by)?;
        family("acquire_timeouts_total", "counter", "Calls that found no session in time.", &[("", *timeouts)])?;
        family("resets_total", "counter", "Sessions reset when they came back.", &[("", *resets)])?;
        family("leaks_total", "counter", "Sessions in use for longer than leak_warning.", &[("", *leaks)])?;
        family("checks_total", "counter", "Idle sessions asked for a sign of life.", &[("", *checks)])?;
        family("errors_total", "counter", "Statements that ended with an error.", &[("", *failed)])?;
        family("retries_total", "counter", "Reads and transactions tried again.", &[("", *retried)])?;
        let asked = [
            ("{result=\"hit\"}", *hits),
            ("{result=\"miss\"}", *misses),
            ("{result=\"shared\"}", *coalesced),
            ("{result=\"stale\"}", *stale),
        ];
        family("cache_requests_total", "counter", "Cached queries.", &asked)?;
        let entries = u64::try_from(*cached_entries).unwrap_or(u64::MAX);
        family("cache_entries", "gauge", "Results that are kept.", &[("", entries)])?;
        family("cache_bytes", "gauge", "Bytes that they take.", &[("", *cached_bytes)])?;
        let gone = [
            ("{reason=\"room\"}", *evicted),
            ("{reason=\"invalidated\"}", *invalidated),
            ("{reason=\"expired\"}", *expired),
            ("{reason=\"too_large\"}", *too_large),
        ];
        family("cache_removed_total", "counter", "Results that are kept no longer, or never were.", &gone)?;
        histogram(out, "acquire_seconds", "How long calls waited for a session.", acquire)?;
        histogram(out, "query_seconds", "How long statements took.", query)
    }
}

fn histogram(out: &mut impl Write, name: &str, help: &str, times: &Histogram) -> io::Result<()> {
    let Histogram { buckets, count, sum } = times;
    writeln!(out, "# HELP pgstrata_client_{name} {help}\n# TYPE pgstrata_client_{name} histogram")?;
    for bucket in buckets {
        let bound = bucket.up_to.map_or_else(|| "+Inf".to_owned(), |bound| bound.as_secs_f64().to_string());
        writeln!(out, "pgstrata_client_{name}_bucket{{le=\"{bound}\"}} {}", bucket.count)?;
    }
    writeln!(out, "pgstrata_client_{name}_sum {}\npgstrata_client_{name}_count {count}", sum.as_secs_f64())
}
