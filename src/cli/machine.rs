//! The machine that a server runs on, where that is this one: Linux says it of the server's own process.
#![allow(clippy::disallowed_methods, reason = "/proc and /sys are files")]

use std::fs::read_to_string;

use pgstrata::db::{Host, Session};
use pgstrata::report::config::Part;
use pgstrata::report::config::machine::{cpu_limit, cpus_allowed, groups, is_backend, memory_limit, memory_total};

type Found = (Option<Part<u64>>, Option<Part<u32>>);

/// Memory and processors that the server may use, or why they are not known. A port of this machine may lead anywhere: only
/// where the session's backend is a process of this machine, under its own title, is the server here.
pub(super) fn of_local_server(session: &Session, role: &str, database: &str) -> Result<Found, String> {
    if !is_near(session.host()) {
        return Err(format!("{} is another machine", session.host()));
    }
    let pid = session.backend_pid();
    let read = |name: &str| read_to_string(format!("/proc/{pid}/{name}"));
    let title = read("cmdline").unwrap_or_default();
    if pid <= 0 || !is_backend(&title, role, database) {
        return Err(
            "the server's processes are not seen on this machine: it may be in a container, or elsewhere".to_owned()
        );
    }
    let cgroup = read("cgroup").unwrap_or_default();
    let (Some(of_memory), Some(of_cpus)) = (groups(&cgroup, "memory"), groups(&cgroup, "cpu")) else {
        return Err("the server's control group is not seen from here: what it may use is unknown".to_owned());
    };
    let limit = of_memory.into_iter().filter_map(|folder| {
        let text = read_to_string(format!("{folder}/memory.max"))
            .or_else(|_| read_to_string(format!("{folder}/memory.limit_in_bytes")));
        memory_limit(&text.ok()?)
    });
    let (limit, total) = (limit.min(), memory_total(&read_to_string("/proc/meminfo").unwrap_or_default()));
    let memory = match (limit, total) {
        (Some(limit), Some(total)) if limit >= total => Some(Part::new(total, "this machine's /proc/meminfo")),
        (Some(limit), _) => Some(Part::new(limit, "the server's control group")),
        (None, total) => total.map(|total| Part::new(total, "this machine's /proc/meminfo")),
    };
    let limit = of_cpus.into_iter().filter_map(|folder| {
        let text = read_to_string(format!("{folder}/cpu.max")).or_else(|_| {
            let quota = read_to_string(format!("{folder}/cpu.cfs_quota_us"))?;
            read_to_string(format!("{folder}/cpu.cfs_period_us")).map(|period| format!("{} {period}", quota.trim()))
        });
        cpu_limit(&text.ok()?)
    });
    let online = read_to_string("/sys/devices/system/cpu/online").ok();
    let (limit, allowed) = (limit.min(), cpus_allowed(&read("status").unwrap_or_default(), online.as_deref()));
    let cpus = match (limit, allowed) {
        (Some(limit), Some(allowed)) if limit >= allowed => Some(Part::new(allowed, "the server's process")),
        (Some(limit), _) => Some(Part::new(limit, "the server's control group")),
        (None, allowed) => allowed.map(|allowed| Part::new(allowed, "the server's process")),
    };
    Ok((memory, cpus))
}

fn is_near(host: &Host) -> bool {
    let address = host.address.or_else(|| host.name.parse().ok());
    host.is_socket() || address.map_or_else(|| host.name == "localhost", |address| address.is_loopback())
}
