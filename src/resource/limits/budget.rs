//! Whether the pools of all services together fit: each inequality as arithmetic.

use std::collections::BTreeSet;

use super::super::of_no_table::finding;
use super::pooled::Pooled;
use crate::catalog::{Capacity, LimitFacts, PoolerState};
use crate::plan::{Code, Finding, Object};
use crate::policy::{LimitsDesired, ServiceDesired};
use crate::sql::Ident;

/// One finding for each sum that is too large; one note with the whole sum where none is.
pub(super) fn findings(wanted: &LimitsDesired, facts: &LimitFacts, pooler: Option<&PoolerState>) -> Vec<Finding> {
    let mut findings = declared(wanted, facts);
    if wanted.services.is_empty() {
        return findings;
    }
    let database = Object::Database(facts.database.name.clone());
    let pooled = match Pooled::of(wanted, &facts.database.name, pooler) {
        Ok(pooled) => pooled,
        Err(because) => {
            let message = format!("what services open through PgBouncer is unknown: {because}");
            findings.push(finding(Code::ConnectionBudget, database, message));
            return findings;
        }
    };
    let before = findings.len();
    let mut exceeds = |sum: &Sum, limit: u64, object: Object, of: &str| {
        if sum.total > limit {
            let message = format!("services may open {} connections, more than {of}: {}", sum.total, sum.words());
            let mut found = finding(Code::ConnectionBudgetExceeded, object, message);
            let hint = match found.object {
                Some(Object::Pooler(_)) => "lower `limits.services`, or raise what PgBouncer takes",
                Some(_) | None => "lower `limits.services`, or put a pooler between",
            };
            found.hint = Some(hint.to_owned());
            findings.push(found);
        }
    };
    for role in wanted.services.values().filter_map(|service| service.role.as_ref()).collect::<BTreeSet<_>>() {
        if let Some(limit) = limit_of_role(role, wanted, facts) {
            let sum = Sum::of(wanted, pooled.as_ref(), |other| other.as_ref() == Some(role));
            exceeds(&sum, limit, Object::Role(role.clone()), &format!("its limit of {limit}"));
        }
    }
    let all = Sum::of(wanted, pooled.as_ref(), |_| true);
    if let Ok(limit) = u64::try_from(wanted.database.unwrap_or(facts.database.connection_limit)) {
        exceeds(&all, limit, database.clone(), &format!("the database's limit of {limit}"));
    }
    let usable = u64::from(facts.capacity.usable());
    exceeds(&all, usable, database.clone(), &format!("the server has for them, {}", capacity_words(facts.capacity)));
    if let Some((limit, words)) = pooled.as_ref().and_then(|pooled| pooled.clients.clone()) {
        let clients = Sum::of_clients(wanted, |_| true);
        exceeds(&clients, limit, Object::Pooler("max_client_conn".to_owned()), &format!("PgBouncer takes, {words}"));
    }
    for role in wanted.services.values().filter_map(|service| service.role.as_ref()).collect::<BTreeSet<_>>() {
        if let Some((limit, words)) = pooled.as_ref().and_then(|pooled| pooled.clients_of(role)) {
            let clients = Sum::of_clients(wanted, |other| other.as_ref() == Some(role));
            let object = Object::Pooler(format!("user {} max_user_client_connections", role.as_str()));
            exceeds(&clients, limit, object, &format!("PgBouncer takes of its role, {words}"));
        }
    }
    if findings.len() == before {
        let message =
            format!("services may open {}, and the server has {}", all.words(), capacity_words(facts.capacity));
        findings.push(finding(Code::ConnectionBudget, database, message));
    }
    findings
}

/// Limits that promise more than the server gives to roles without privileges.
fn declared(wanted: &LimitsDesired, facts: &LimitFacts) -> Vec<Finding> {
    let Capacity { max_connections, .. } = facts.capacity;
    let usable = facts.capacity.usable();
    let database = wanted.database.map(|limit| (Object::Database(facts.database.name.clone()), limit));
    let roles = wanted.roles.iter().filter_map(|(name, role)| {
        let ordinary = facts.roles.get(name).is_some_and(|role| !role.superuser);
        role.connection_limit.filter(|_| ordinary).map(|limit| (Object::Role(name.clone()), limit))
    });
    let above = database.into_iter().chain(roles).filter_map(|(object, limit)| {
        let limit = u32::try_from(limit).ok()?;
        // Above max_connections it is refused.
        (limit > usable && limit <= max_connections).then(|| {
            let words = capacity_words(facts.capacity);
            let message = format!("a connection limit of {limit} is more than the server has for it, {words}");
            finding(Code::ConnectionBudgetExceeded, object, message)
        })
    });
    above.collect()
}

/// What services may open together.
#[derive(Default)]
struct Sum {
    total: u64,
    terms: Vec<String>,
}

impl Sum {
    fn add(&mut self, connections: u64, words: String) {
        self.total = self.total.saturating_add(connections);
        self.terms.push(words);
    }

    /// At the server: what services open there themselves, and what PgBouncer opens for the others.
    fn of(wanted: &LimitsDesired, pooled: Option<&Pooled>, belongs: impl Fn(&Option<Ident>) -> bool) -> Self {
        let mut sum = Self::default();
        let own = wanted.services.iter().filter(|(_, service)| belongs(&service.role));
        for (name, service) in own.clone().filter(|(_, service)| !service.through_pgbouncer) {
            sum.add(service.connections(), format!("{name} {} × {}", service.instances, service.max_connections));
        }
        let users = users(own.map(|(_, service)| service));
        if let Some(pooled) = pooled.filter(|_| !users.is_empty()) {
            let (connections, words) = pooled.server(&users);
            sum.add(connections, words);
        }
        sum
    }

    /// At PgBouncer.
    fn of_clients(wanted: &LimitsDesired, belongs: impl Fn(&Option<Ident>) -> bool) -> Self {
        let mut sum = Self::default();
        let pooled = wanted.services.iter().filter(|(_, service)| service.through_pgbouncer);
        for (name, service) in pooled.filter(|(_, service)| belongs(&service.role)) {
            sum.add(service.connections(), format!("{name} {} × {}", service.instances, service.max_connections));
        }
        sum
    }

    /// `audit-api 4 × 8 + worker 2 × 5 = 42`
    fn words(&self) -> String {
        format!("{} = {}", self.terms.join(" + "), self.total)
    }
}

/// Users that PgBouncer keeps a pool for: a service whose role is not named counts as one of its own.
fn users<'a>(services: impl Iterator<Item = &'a ServiceDesired>) -> Vec<Option<&'a Ident>> {
    let mut roles = BTreeSet::new();
    let mut users = Vec::new();
    for service in services.filter(|service| service.through_pgbouncer) {
        match &service.role {
            Some(role) => drop(roles.insert(role)),
            None => users.push(None),
        }
    }
    users.extend(roles.into_iter().map(Some));
    users
}

/// The role's limit once the policy is carried out; none holds for a superuser.
fn limit_of_role(role: &Ident, wanted: &LimitsDesired, facts: &LimitFacts) -> Option<u64> {
    let found = facts.roles.get(role).filter(|role| !role.superuser)?;
    let wanted = wanted.roles.get(role).and_then(|role| role.connection_limit);
    u64::try_from(wanted.unwrap_or(found.connection_limit)).ok()
}

/// `97 = 100 max_connections − 3 superuser_reserved_connections`
fn capacity_words(capacity: Capacity) -> String {
    let Capacity { max_connections, superuser_reserved, reserved } = capacity;
    let mut words = format!("{} = {max_connections} max_connections", capacity.usable());
    for (count, name) in [(superuser_reserved, "superuser_reserved_connections"), (reserved, "reserved_connections")] {
        if count > 0 {
            words.push_str(&format!(" − {count} {name}"));
        }
    }
    words
}
