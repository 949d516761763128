//! What PgBouncer opens at the server for the services behind it.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{PoolerDatabase, PoolerFacts, PoolerState};
use crate::policy::{LimitsDesired, PoolerDesired};
use crate::sql::Ident;

/// PgBouncer keeps a pool for each pair of database and user: `pool_size` connections, `reserve_pool_size` more when
/// clients wait, and never more than `max_db_connections` for the database (its documentation, "Pool configuration").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pooled {
    entries: Vec<Sizes>,
    processes: u64,
    /// What it takes from clients, and that in words.
    pub(super) clients: Option<(u64, String)>,
}

/// Sizes of one entry of `[databases]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sizes {
    pool: u64,
    reserve: u64,
    /// Of the database; 0 is none.
    most: u64,
}

impl Pooled {
    /// `None` where no service goes through it. The policy's sizes count, where it has any: it is about what will be. Every
    /// entry that leads to the database counts, for which of them a service uses is not known.
    pub(super) fn of(
        limits: &LimitsDesired,
        database: &Ident,
        state: Option<&PoolerState>,
    ) -> Result<Option<Self>, String> {
        let through = limits.services.values().any(|service| service.through_pgbouncer);
        let Some(wanted) = limits.pgbouncer.as_ref().filter(|_| through) else { return Ok(None) };
        let empty = PoolerFacts::default();
        let (facts, asked) = match state {
            Some(PoolerState::Read(facts)) => (facts, true),
            Some(PoolerState::Unreadable(_)) | None => (&empty, false),
        };
        let entries = facts.databases.iter().filter(|(_, entry)| entry.database == database.as_str());
        let mut names: BTreeSet<&String> = entries.map(|(name, _)| name).collect();
        // Where an entry leads that it does not show is not known: unless it has the database's name, to another one.
        let unseen = wanted.databases.keys().filter(|name| !facts.databases.contains_key(*name));
        names.extend(unseen.filter(|name| !asked || name.as_str() == database.as_str()));
        let view = View { wanted, facts };
        let sizes: Option<Vec<Sizes>> = match names.is_empty() {
            true => view.sizes(None).map(|sizes| vec![sizes]),
            false => names.into_iter().map(|name| view.sizes(Some(name))).collect(),
        };
        let Some(entries) = sizes else {
            return Err("neither the policy nor its admin console says its pool size".to_owned());
        };
        let processes = u64::from(wanted.processes);
        let clients = view.setting("max_client_conn").map(|one| {
            let words = match processes {
                1 => format!("{one} = max_client_conn"),
                many => format!("{} = {one} max_client_conn × {many} processes", one.saturating_mul(many)),
            };
            (one.saturating_mul(processes), words)
        });
        Ok(Some(Self { entries, processes, clients }))
    }

    /// For so many users, and that in words.
    pub(super) fn server(&self, users: u64) -> (u64, String) {
        let Self { entries, processes, clients: _ } = self;
        let each: Vec<(u64, String)> = entries.iter().map(|sizes| sizes.server(users)).collect();
        let sum = each.iter().fold(0u64, |sum, (connections, _)| sum.saturating_add(*connections));
        let words: Vec<&str> = each.iter().map(|(_, words)| words.as_str()).collect();
        let words = match words[..] {
            [only] => only.to_owned(),
            _ => format!("({})", words.join(" + ")),
        };
        let times = if *processes == 1 { String::new() } else { format!(" × {processes} processes") };
        (sum.saturating_mul(*processes), format!("pgbouncer {words}{times}"))
    }
}

impl Sizes {
    fn server(self, users: u64) -> (u64, String) {
        let Self { pool, reserve, most } = self;
        let pools = users.saturating_mul(pool.saturating_add(reserve));
        if most > 0 && most < pools {
            return (most, format!("{most} max_db_connections"));
        }
        let pool = if reserve == 0 { pool.to_string() } else { format!("({pool} + {reserve} reserve)") };
        let users = if users == 1 { String::new() } else { format!("{users} roles × ") };
        (pools, format!("{users}{pool}"))
    }
}

/// The policy's sizes over what PgBouncer has.
struct View<'a> {
    wanted: &'a PoolerDesired,
    facts: &'a PoolerFacts,
}

impl View<'_> {
    fn setting(&self, name: &str) -> Option<u64> {
        number(&self.wanted.settings, name).or_else(|| number(&self.facts.settings, name))
    }

    /// Pool, reserve and the most for the database, of an entry or of those that have none of their own.
    fn sizes(&self, entry: Option<&str>) -> Option<Sizes> {
        let of = |own: &str, default: &str| {
            let wanted = entry.and_then(|entry| self.wanted.databases.get(entry)).and_then(|sizes| number(sizes, own));
            // What equals PgBouncer's default follows it when that changes.
            let found = entry.and_then(|entry| self.facts.databases.get(entry)).and_then(|entry| own_size(entry, own));
            let found = found.filter(|found| number(&self.facts.settings, default) != Some(*found));
            wanted.or(found).or_else(|| self.setting(default))
        };
        let reserve = of("reserve_pool_size", "reserve_pool_size").unwrap_or(0);
        let most = of("max_db_connections", "max_db_connections").unwrap_or(0);
        Some(Sizes { pool: of("pool_size", "default_pool_size")?, reserve, most })
    }
}

fn own_size(entry: &PoolerDatabase, name: &str) -> Option<u64> {
    number(&entry.settings, name)
}

fn number(settings: &BTreeMap<String, String>, name: &str) -> Option<u64> {
    settings.get(name).and_then(|value| value.parse().ok())
}
