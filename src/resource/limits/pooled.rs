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
    /// Of users that have limits of their own.
    users: BTreeMap<String, User>,
    /// Of every user that has none.
    of_all: User,
    /// What it takes from clients, and that in words.
    pub(super) clients: Option<(u64, String)>,
}

/// Limits of a user; `None` is none of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct User {
    /// The size of each of its pools, instead of the entry's.
    pool: Option<u64>,
    /// Connections at the server, of all its pools. 0 is no limit.
    most: Option<u64>,
    /// Clients. 0 is no limit.
    clients: Option<u64>,
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
        let of = |settings: &BTreeMap<String, String>, pool: &str| User {
            pool: number(settings, pool).filter(|size| *size > 0),
            most: number(settings, "max_user_connections"),
            clients: number(settings, "max_user_client_connections"),
        };
        let users = facts.users.iter().map(|(name, limits)| (name.clone(), of(limits, "pool_size"))).collect();
        // `default_pool_size` is each entry's already.
        let of_all = User { pool: None, ..of(&facts.settings, "") };
        Ok(Some(Self { entries, processes, users, of_all, clients }))
    }

    fn user(&self, role: Option<&Ident>) -> User {
        let own = role.and_then(|role| self.users.get(role.as_str())).copied().unwrap_or_default();
        let User { pool, most, clients } = self.of_all;
        User { pool: own.pool.or(pool), most: own.most.or(most), clients: own.clients.or(clients) }
    }

    /// What it takes from clients of one role, and that in words; `None` is no limit.
    pub(super) fn clients_of(&self, role: &Ident) -> Option<(u64, String)> {
        let one = self.user(Some(role)).clients.filter(|most| *most > 0)?;
        let all = one.saturating_mul(self.processes);
        let words = match self.processes {
            1 => format!("{one} = max_user_client_connections"),
            many => format!("{all} = {one} max_user_client_connections × {many} processes"),
        };
        Some((all, words))
    }

    /// For these users, and that in words.
    pub(super) fn server(&self, users: &[Option<&Ident>]) -> (u64, String) {
        let Self { entries, processes, users: _, of_all: _, clients: _ } = self;
        let limits: Vec<User> = users.iter().map(|role| self.user(*role)).collect();
        let pools: Vec<Option<u64>> = limits.iter().map(|user| user.pool).collect();
        let by_entry: Vec<(u64, String)> = entries.iter().map(|sizes| sizes.server(&pools)).collect();
        let by_user: Vec<(u64, String)> =
            users.iter().zip(&limits).map(|(role, user)| self.server_of(*role, *user)).collect();
        let total = |each: &[(u64, String)]| each.iter().fold(0u64, |sum, (one, _)| sum.saturating_add(*one));
        // Both are limits at once: no more is opened than the lower of the two.
        let each: Vec<(u64, String)> = if total(&by_user) < total(&by_entry) { by_user } else { by_entry };
        let sum = total(&each);
        let words: Vec<&str> = each.iter().map(|(_, words)| words.as_str()).collect();
        let words = match words[..] {
            [only] => only.to_owned(),
            _ => format!("({})", words.join(" + ")),
        };
        let times = if *processes == 1 { String::new() } else { format!(" × {processes} processes") };
        (sum.saturating_mul(*processes), format!("pgbouncer {words}{times}"))
    }
}

impl Pooled {
    /// Of one user, in the pools of all entries.
    fn server_of(&self, role: Option<&Ident>, user: User) -> (u64, String) {
        let pools = self.entries.iter().map(|sizes| user.pool.unwrap_or(sizes.pool).saturating_add(sizes.reserve));
        let all = pools.fold(0, u64::saturating_add);
        let who = role.map_or("a role", Ident::as_str);
        match user.most.filter(|most| *most > 0 && *most < all) {
            Some(most) => (most, format!("{who} {most} max_user_connections")),
            None => (all, format!("{who} {all}")),
        }
    }
}

impl Sizes {
    /// For users, each with a size of its own or with this one.
    fn server(self, own: &[Option<u64>]) -> (u64, String) {
        let Self { pool, reserve, most } = self;
        let sizes: Vec<u64> = own.iter().map(|own| own.unwrap_or(pool)).collect();
        let users = u64::try_from(sizes.len()).unwrap_or(u64::MAX);
        let pools = sizes.iter().fold(users.saturating_mul(reserve), |sum, one| sum.saturating_add(*one));
        if most > 0 && most < pools {
            return (most, format!("{most} max_db_connections"));
        }
        let pool = match sizes.first() {
            Some(first) if sizes.iter().all(|size| size == first) => *first,
            Some(_) | None => {
                let mut words: Vec<String> = sizes.iter().map(u64::to_string).collect();
                words.extend((reserve > 0).then(|| format!("{users} × {reserve} reserve")));
                return (pools, format!("({})", words.join(" + ")));
            }
        };
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
