//! Which database, and a session with it.

use std::collections::BTreeMap;

use pgstrata::db::{Connector, Env, Interrupt, Session, resolve};

use pgstrata::policy::{PolicyError, PolicyPath};

use super::args::ConnectArgs;
use super::error::CommandError;
use super::policy::{Loaded, invalid};
use super::ui::Ui;

/// Settings by precedence: `--url` and its variable, the policy's `connection.url`, `DATABASE_URL`, libpq's variables.
pub(super) fn connector(
    command: &str,
    args: &ConnectArgs,
    loaded: &Loaded,
    env: &Env,
    ui: &Ui,
    stop: &Interrupt,
) -> Result<Connector, CommandError> {
    let url = match &args.url {
        Some(url) => Some(url.clone()),
        None => {
            let vars = |name: &str| env.get(name).map(str::to_owned);
            let refused = |error| invalid(&loaded.places.locate(vec![error]), &loaded.sources, ui);
            let from_policy = loaded.policy.connection_url(&vars).map_err(refused)?;
            from_policy.or_else(|| env.non_empty("DATABASE_URL").map(str::to_owned))
        }
    };
    with_owners(open(command, url.as_deref(), env, stop)?, command, (loaded, ui), env, stop)
}

/// With the logins of owners that the policy names. They are used for their tables alone.
fn with_owners(
    connector: Connector,
    command: &str,
    (loaded, ui): (&Loaded, &Ui),
    env: &Env,
    stop: &Interrupt,
) -> Result<Connector, CommandError> {
    let vars = |name: &str| env.get(name).map(str::to_owned);
    let refused = |error| invalid(&loaded.places.locate(vec![error]), &loaded.sources, ui);
    let urls = loaded.policy.owner_urls(&vars).map_err(refused)?;
    // The password in the environment is that of whoever connects first.
    let env = env.clone().without(&["PGPASSWORD", "PGUSER"]);
    let mut owners = BTreeMap::new();
    for (owner, url) in urls {
        let opened = resolve(Some(&url), &env).and_then(|info| Connector::new(info, &format!("pgstrata/{command}")));
        let path = PolicyPath::of(["connection", "owners"]).key(owner.as_str());
        let opened = opened.map_err(|error| refused(PolicyError::at(path, error.to_string())))?;
        owners.insert(owner, opened.with_interrupt(stop));
    }
    Ok(connector.with_owners(owners))
}

/// With the admin console that the policy names, where there is one.
pub(super) fn with_pooler(
    connector: Connector,
    loaded: &Loaded,
    env: &Env,
    ui: &Ui,
    stop: &Interrupt,
) -> Result<Connector, CommandError> {
    let vars = |name: &str| env.get(name).map(str::to_owned);
    let refused = |error| invalid(&loaded.places.locate(vec![error]), &loaded.sources, ui);
    let Some(url) = loaded.policy.pgbouncer_admin_url(&vars).map_err(refused)? else { return Ok(connector) };
    // These are meant for the database: its password is nobody else's, and PgBouncer refuses the others.
    let env = env.clone().without(&["PGOPTIONS", "PGPASSWORD", "PGTARGETSESSIONATTRS"]);
    let console = resolve(Some(&url), &env).and_then(|info| Connector::new(info, "pgstrata/pooler"));
    let path = PolicyPath::of(["limits", "pgbouncer", "admin_url"]);
    let console = console.map_err(|error| refused(PolicyError::at(path, error.to_string())))?;
    // A policy is written by more people than those who run it: whom it has asked is said before it is asked.
    let hosts = console.info().display_hosts();
    ui.note(&format!("PgBouncer at {hosts} is asked as well (limits.pgbouncer.admin_url)"));
    Ok(connector.with_pooler(console.with_interrupt(stop)))
}

/// The same where there is no policy yet.
pub(super) fn connector_without_policy(
    command: &str,
    args: &ConnectArgs,
    env: &Env,
    stop: &Interrupt,
) -> Result<Connector, CommandError> {
    let url = args.url.as_deref().or_else(|| env.non_empty("DATABASE_URL"));
    open(command, url, env, stop)
}

fn open(command: &str, url: Option<&str>, env: &Env, stop: &Interrupt) -> Result<Connector, CommandError> {
    let failed = |error| CommandError::connecting(&error, stop.signal());
    let info = resolve(url, env).map_err(failed)?;
    let connector = Connector::new(info, &format!("pgstrata/{command}")).map_err(failed)?;
    Ok(connector.with_interrupt(stop))
}

/// A session to read with, within the deadline. Nothing is set in it: reading pins what it relies on within its own
/// transactions, and through a transaction pooler a `SET` would stay behind for other clients.
pub(super) fn session(connector: &Connector, stop: &Interrupt) -> Result<Session, CommandError> {
    let connector = connector.clone().with_setup("");
    connector.connect(connector.default_deadline()).map_err(|error| CommandError::connecting(&error, stop.signal()))
}
