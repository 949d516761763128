//! Connection limits, settings of roles, and services.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::spec::{
    DatabaseLimits, Limits, PgBouncer, PgBouncerDatabase, RoleLimits, ServiceLimits, Through, TimeoutOrNone,
};
use super::super::units::timeout;
use super::super::{LimitsDesired, PolicyError, PolicyPath, PoolerDesired, RoleDesired, RoleTimeout, ServiceDesired};
use super::{Checks, services};

/// `of_client` is what a service's pool has where it says nothing of its own.
pub(super) fn limits(checks: &mut Checks, spec: Option<&Limits>, of_client: Option<u32>) -> LimitsDesired {
    let Some(Limits { database, roles, services, pgbouncer }) = spec else { return LimitsDesired::default() };
    let path = PolicyPath::of(["limits"]);
    let mut limits = LimitsDesired::default();
    if let Some(DatabaseLimits { connection_limit }) = database {
        limits.database = connection_limit_of(checks, &path.key("database"), *connection_limit);
    }
    let mut places = BTreeMap::new();
    for (name, spec) in roles.iter().flatten() {
        let path = path.key("roles").key(name);
        let role = role(checks, &path, spec);
        let Some(name) = checks.ident(&path, name) else { continue };
        places.insert(name.clone(), path.key("connection_limit"));
        if limits.roles.insert(name.clone(), role).is_some() {
            checks.push(PolicyError::at_key(path, format!("{name} is named twice")));
        }
    }
    for (name, spec) in services.iter().flatten() {
        let path = path.key("services").key(name);
        if let Some(service) = service(checks, &path, spec, of_client) {
            if service.through_pgbouncer && pgbouncer.is_none() {
                checks.at(&path.key("through"), "there is no `limits.pgbouncer` to go through");
            }
            limits.services.insert(name.clone(), service);
        }
    }
    services::fit(checks, &limits, &places);
    limits.pgbouncer = pgbouncer.as_ref().map(|spec| pooler(checks, &path.key("pgbouncer"), spec));
    limits
}

fn pooler(checks: &mut Checks, path: &PolicyPath, spec: &PgBouncer) -> PoolerDesired {
    let PgBouncer {
        admin_url: _,
        pool_mode,
        default_pool_size,
        reserve_pool_size,
        max_client_conn,
        max_db_connections,
        processes,
        databases,
    } = spec;
    for (key, value) in
        [("default_pool_size", default_pool_size), ("max_client_conn", max_client_conn), ("processes", processes)]
    {
        super::rest::positive(checks, &path.key(key), *value);
    }
    let mode = ("pool_mode", pool_mode.map(|mode| mode.word().to_owned()));
    let sizes = [
        ("default_pool_size", default_pool_size),
        ("reserve_pool_size", reserve_pool_size),
        ("max_client_conn", max_client_conn),
        ("max_db_connections", max_db_connections),
    ];
    let settings = written(mode, &sizes);
    let databases = databases.iter().flatten().map(|(name, spec)| {
        let PgBouncerDatabase { pool_mode, pool_size, reserve_pool_size, max_db_connections } = spec;
        let mode = ("pool_mode", pool_mode.map(|mode| mode.word().to_owned()));
        let sizes = [
            ("pool_size", pool_size),
            ("reserve_pool_size", reserve_pool_size),
            ("max_db_connections", max_db_connections),
        ];
        (name.clone(), written(mode, &sizes))
    });
    PoolerDesired { settings, databases: databases.collect(), processes: processes.unwrap_or(1) }
}

/// What is written, by name.
fn written(mode: (&str, Option<String>), sizes: &[(&str, &Option<u32>)]) -> BTreeMap<String, String> {
    let sizes = sizes.iter().map(|(name, size)| (*name, size.map(|size| size.to_string())));
    let all = std::iter::once(mode).chain(sizes);
    all.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
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

/// For a role, unlike for a run of ours, zero makes sense: it may be what exempts a batch role. So it does for a client.
pub(super) fn or_none(text: &TimeoutOrNone) -> Result<Duration, String> {
    match text.as_ref().trim() {
        "0" => Ok(Duration::ZERO),
        text => timeout(text).map_err(|error| error.to_string()),
    }
}

fn service(
    checks: &mut Checks,
    path: &PolicyPath,
    spec: &ServiceLimits,
    of_client: Option<u32>,
) -> Option<ServiceDesired> {
    let ServiceLimits { role, instances, max_connections, through } = spec;
    let role = match role {
        Some(role) => Some(checks.ident(&path.key("role"), role)?),
        None => None,
    };
    if instances.is_none() {
        checks.push(PolicyError::at_key(path.clone(), "`instances` is missing"));
    }
    let connections = max_connections.or(of_client);
    if connections.is_none() {
        let error = PolicyError::at_key(path.clone(), "`max_connections` is missing");
        checks.push(error.help("write it here, or `client.pool.max_connections` for all services"));
    }
    Some(ServiceDesired {
        role,
        instances: (*instances)?,
        max_connections: connections?,
        as_client: max_connections.is_none(),
        through_pgbouncer: match through {
            Some(Through::Pgbouncer) => true,
            None => false,
        },
    })
}

fn connection_limit_of(checks: &mut Checks, path: &PolicyPath, value: Option<i32>) -> Option<i32> {
    if value.is_some_and(|value| value < -1) {
        checks.at(&path.key("connection_limit"), "0 or more, or -1 for no limit");
    }
    value
}
