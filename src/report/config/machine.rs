//! What Linux says of a process's share of its machine, read from texts of `/proc` and of control groups.

/// The files that limit a process, from its `/proc/PID/cgroup`: folders from its own group up to the root, for memory and
/// for processors. A file that is not there limits nothing. `None` where the group's path is not seen from here: it leads
/// out of this session's own namespace, and what limits it is unknown.
pub fn groups(cgroup: &str, controller: &str) -> Option<Vec<String>> {
    let found = cgroup.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        match (number, controllers) {
            // One tree for all of them: version 2.
            ("0", "") => None,
            (_, names) if names.split(',').any(|name| name == controller) => {
                Some((format!("/sys/fs/cgroup/{controller}"), path))
            }
            (_, _) => None,
        }
    });
    let unified = || {
        let line = cgroup.lines().find_map(|line| line.strip_prefix("0::"))?;
        Some(("/sys/fs/cgroup".to_owned(), line))
    };
    let Some((mount, path)) = found.or_else(unified) else { return Some(Vec::new()) };
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if parts.contains(&"..") {
        return None;
    }
    Some((0..=parts.len()).rev().map(|length| [&[mount.as_str()], &parts[..length]].concat().join("/")).collect())
}

/// `memory.max` or `memory.limit_in_bytes`: bytes, or none.
pub fn memory_limit(text: &str) -> Option<u64> {
    // Version 1 writes "none" as a number near 2^63.
    text.trim().parse::<u64>().ok().filter(|limit| *limit < 1 << 60)
}

/// `cpu.max`, or `cpu.cfs_quota_us` and `cpu.cfs_period_us` with a blank between: processors, at least one, or none.
pub fn cpu_limit(text: &str) -> Option<u32> {
    let mut parts = text.split_whitespace().map(str::parse::<u64>);
    let (quota, period) = (parts.next()?.ok()?, parts.next()?.ok()?);
    if period == 0 {
        return None;
    }
    u32::try_from(quota.div_ceil(period)).ok().map(|cpus| cpus.max(1))
}

/// `MemTotal` of `/proc/meminfo`, in bytes.
pub fn memory_total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// `Cpus_allowed_list` of `/proc/PID/status`, `0-3,8` are five, as far as `/sys/devices/system/cpu/online` has them: the
/// mask may name processors that the machine could have and has not.
pub fn cpus_allowed(status: &str, online: Option<&str>) -> Option<u32> {
    let allowed = ranges(status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?)?;
    let online = online.and_then(ranges).unwrap_or_else(|| vec![(0, u32::MAX)]);
    let mut sum = 0_u32;
    for (from, to) in allowed {
        for (first, last) in &online {
            let (from, to) = (from.max(*first), to.min(*last));
            if from <= to {
                sum = sum.checked_add((to - from).checked_add(1)?)?;
            }
        }
    }
    (sum > 0).then_some(sum)
}

fn ranges(list: &str) -> Option<Vec<(u32, u32)>> {
    let range = |range: &str| {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        let (from, to): (u32, u32) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
        (from <= to).then_some((from, to))
    };
    list.trim().split(',').map(range).collect()
}

/// Whether a process's title is that of a backend for this role and database: `postgres: app orders [local] idle`. A
/// `cluster_name` stands before them.
pub fn is_backend(cmdline: &str, role: &str, database: &str) -> bool {
    let title = cmdline.trim_end_matches('\0').replace('\0', " ");
    title.strip_prefix("postgres: ").is_some_and(|rest| {
        let rest = format!(" {rest} ");
        rest.contains(&format!(" {role} {database} "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_looked_for_from_the_group_up() {
        let unified = "0::/system.slice/postgresql.service\n";
        assert_eq!(
            groups(unified, "memory").unwrap(),
            ["/sys/fs/cgroup/system.slice/postgresql.service", "/sys/fs/cgroup/system.slice", "/sys/fs/cgroup"]
        );
        let old = "12:cpu,cpuacct:/a\n3:memory:/docker/x\n0::/\n";
        assert_eq!(
            groups(old, "memory").unwrap(),
            ["/sys/fs/cgroup/memory/docker/x", "/sys/fs/cgroup/memory/docker", "/sys/fs/cgroup/memory"]
        );
        assert_eq!(groups(old, "cpu").unwrap(), ["/sys/fs/cgroup/cpu/a", "/sys/fs/cgroup/cpu"]);
        // Seen from inside a container it leads out of it.
        assert_eq!(groups("0::/../..\n", "cpu"), None);
        assert_eq!(groups("", "cpu"), Some(Vec::new()));
    }

    #[test]
    fn numbers_are_read_and_none_is_none() {
        assert_eq!((memory_limit("max\n"), memory_limit("4294967296\n")), (None, Some(4 << 30)));
        assert_eq!(memory_limit("9223372036854771712\n"), None);
        assert_eq!(
            (cpu_limit("max 100000"), cpu_limit("150000 100000"), cpu_limit("-1 100000")),
            (None, Some(2), None)
        );
        assert_eq!((cpu_limit("1000 100000"), cpu_limit("1 0"), cpu_limit("")), (Some(1), None, None));
        assert_eq!(memory_total("MemFree: 1 kB\n"), None);
        assert_eq!(memory_total("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16 << 20));
        let five = "Name:\tpostgres\nCpus_allowed_list:\t0-3,8\n";
        assert_eq!(cpus_allowed(five, None), Some(5));
        assert_eq!(cpus_allowed("Cpus_allowed_list:\t0-127\n", Some("0-1,4\n")), Some(3));
        assert_eq!(cpus_allowed(five, Some("2-8")), Some(3));
        assert_eq!(cpus_allowed("Cpus_allowed_list:\t3-0\n", None), None);
    }

    #[test]
    fn a_backend_is_known_by_its_title() {
        assert!(is_backend("postgres: app orders [local] idle\0\0", "app", "orders"));
        assert!(is_backend("postgres: main: app orders 127.0.0.1(50000) SELECT", "app", "orders"));
        for other in ["postgres: app other [local] idle", "bash\0-c\0postgres: app orders x", "postgres: checkpointer"]
        {
            assert!(!is_backend(other, "app", "orders"), "{other}");
        }
    }
}
