//! Connection limits, settings of roles, and services.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::spec::{DatabaseLimits, Limits, PgBouncer, RoleLimits, ServiceLimits, Timeout};
use super::super::units::timeout;
use super::super::{LimitsDesired, PolicyError, PolicyPath, RoleDesired, RoleTimeout, ServiceDesired};
use super::Checks;

pub(super) fn limits(checks: &mut Checks, spec: Option<&Limits>) -> LimitsDesired {
    let Some(Limits { database, roles, services, pgbouncer }) = spec else { return LimitsDesired::default() };
    let path = PolicyPath::of(["limits"]);
    let mut limits = LimitsDesired::default();
    if let Some(DatabaseLimits { connection_limit }) = database {
        limits.database = connection_limit_of(checks, &path.key("database"), *connection_limit);
    }
    for (name, spec) in roles.iter().flatten() {
        let path = path.key("roles").key(name);
        let role = role(checks, &path, spec);
        let Some(name) = checks.ident(&path, name) else { continue };
        if limits.roles.insert(name.clone(), role).is_some() {
            checks.push(PolicyError::at_key(path, format!("{name} is named twice")));
        }
    }
    for (name, spec) in services.iter().flatten() {
        let path = path.key("services").key(name);
        if let Some(service) = service(checks, &path, spec) {
            limits.services.insert(name.clone(), service);
        }
    }
    if let Some(PgBouncer { admin_url: _, default_pool_size, max_client_conn }) = pgbouncer {
        let path = path.key("pgbouncer");
        super::rest::positive(checks, &path.key("default_pool_size"), *default_pool_size);
        super::rest::positive(checks, &path.key("max_client_conn"), *max_client_conn);
        checks.not_enforced(&path, "");
    }
    limits
}

fn role(checks: &mut Checks, path: &PolicyPath, spec: &RoleLimits) -> RoleDesired {
    let RoleLimits {
        connection_limit,
        statement_timeout,
        lock_timeout,
        idle_in_transaction_session_timeout,
        idle_session_timeout,
        transaction_timeout,
    } = spec;
    let named = [
        ("statement_timeout", statement_timeout),
        ("lock_timeout", lock_timeout),
        ("idle_in_transaction_session_timeout", idle_in_transaction_session_timeout),
        ("idle_session_timeout", idle_session_timeout),
        ("transaction_timeout", transaction_timeout),
    ];
    let mut timeouts = BTreeMap::new();
    for (name, text) in named {
        let value = text.as_ref().and_then(|text| checks.keep(&path.key(name), or_none(text)));
        timeouts.extend(value.map(|value| (name.to_owned(), RoleTimeout(value))));
    }
    RoleDesired { connection_limit: connection_limit_of(checks, path, *connection_limit), timeouts }
}

/// For a role, unlike for a run of ours, zero makes sense: it may be what exempts a batch role.
fn or_none(text: &Timeout) -> Result<Duration, String> {
    match text.as_ref().trim() {
        "0" => Ok(Duration::ZERO),
        text => timeout(text).map_err(|error| error.to_string()),
    }
}

fn service(checks: &mut Checks, path: &PolicyPath, spec: &ServiceLimits) -> Option<ServiceDesired> {
    let ServiceLimits { role, instances, max_connections } = spec;
    let role = match role {
        Some(role) => Some(checks.ident(&path.key("role"), role)?),
        None => None,
    };
    for (key, value) in [("instances", instances), ("max_connections", max_connections)] {
        if value.is_none() {
            checks.push(PolicyError::at_key(path.clone(), format!("`{key}` is missing")));
        }
    }
    Some(ServiceDesired { role, instances: (*instances)?, max_connections: (*max_connections)? })
}

fn connection_limit_of(checks: &mut Checks, path: &PolicyPath, value: Option<i32>) -> Option<i32> {
    if value.is_some_and(|value| value < -1) {
        checks.at(&path.key("connection_limit"), "0 or more, or -1 for no limit");
    }
    value
}
