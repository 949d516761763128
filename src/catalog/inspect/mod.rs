//! One read of the catalog that waits for nobody.
//!
//! Nothing here opens a user's relation (but [`policies`], which says how it goes about it), so nothing waits for a
//! lock on one: raw catalogs, `pg_get_expr(…, 0)`, no size functions, no `pg_partition_tree`.

mod attributes;
mod citus;
mod encodings;
mod exclusions;
mod foreign_keys;
mod indexes;
mod leaves;
mod limits;
mod logins;
mod partman;
mod policies;
mod pooler;
mod publications;
mod retired;
mod rights;
mod roots;
mod session;
mod settings;
mod siblings;
mod similar;
mod storage;
mod target;
mod trees;
mod trust;
mod unmarked;
mod upkeep;

pub(super) use indexes::of_tables;
pub use limits::inspect_limits;
pub use logins::inspect_login;
pub use pooler::inspect_pooler;
pub use settings::inspect_settings;
pub use siblings::inspect_siblings;
pub use storage::inspect_storage;
pub use trees::{Tree, inspect_trees};
pub(super) use trust::read_of as code_of;
pub use upkeep::inspect_upkeep;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use postgres::Client;
use postgres::types::{ToSql, Type};

use super::error::InspectError;
use super::question::Answers;
use super::reader::Reader;
use super::snapshot::{Catalog, Oid, Root, SNAPSHOT_FORMAT, Snapshot, TableState};
use crate::sql::{Ident, TableName};

/// Bounds and expressions are text in the session's settings. Just-in-time compilation and parallel workers cost more
/// than any of these queries when a large catalog makes their estimates grow.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; \
     SET LOCAL lock_timeout = '100ms'; SET LOCAL statement_timeout = '30s'; \
     SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0";

/// Reads what planning needs to know of these tables, once, in one read-only transaction that waits for nobody.
///
/// `host` goes into the target as it is. `client_clock` is looked at twice, around one round trip, and compared with the
/// server's clock; indexes are read of `indexes_of` alone. The snapshot's answers are empty: see [`super::ask`].
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::collections::BTreeSet;
/// let mut client = postgres::Client::connect("host=/var/run/postgresql dbname=app user=app", postgres::NoTls)?;
/// let tables = BTreeSet::from(["audit.audit_log".parse()?]);
/// let snapshot = pgstrata::catalog::inspect(&mut client, "[local]", &tables, &tables, &jiff::Timestamp::now)?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// The server's refusal or a lost connection, with the step it happened in. A table that is missing or of the wrong kind
/// is no error but a [`TableState`].
pub fn inspect(
    client: &mut Client,
    host: &str,
    tables: &BTreeSet<TableName>,
    indexes_of: &BTreeSet<TableName>,
    client_clock: &dyn Fn() -> Timestamp,
) -> Result<Snapshot, InspectError> {
    Reader::transaction(client, BEGIN, |reader| read(reader, host, tables, indexes_of, client_clock))
}

fn read(
    reader: &mut Reader<'_>,
    host: &str,
    tables: &BTreeSet<TableName>,
    indexes_of: &BTreeSet<TableName>,
    client_clock: &dyn Fn() -> Timestamp,
) -> Result<Snapshot, InspectError> {
    let facts = target::read(reader, host, client_clock)?;
    let any_bytes = facts.encoding == encodings::ANY_BYTES;
    let mut states = if any_bytes { encodings::unreadable(reader, tables.iter())? } else { BTreeMap::new() };
    let tables: &BTreeSet<TableName> = &tables.iter().filter(|name| !states.contains_key(*name)).cloned().collect();
    let mut roots = Roots::default();
    let mut with_policies = Vec::new();
    for (name, roots::Found { state, has_policies }) in roots::read(reader, tables)? {
        match state {
            TableState::Partitioned(root) => {
                if has_policies {
                    with_policies.push(root.oid);
                }
                roots.add(name, *root);
            }
            TableState::Missing | TableState::Unfit(_) => {
                states.insert(name, state);
            }
        }
    }
    if !roots.oids.is_empty() {
        leaves::read(reader, &mut roots)?;
        attributes::read_grants(reader, &mut roots)?;
        attributes::read_statistics_targets(reader, &mut roots)?;
        foreign_keys::read(reader, &mut roots)?;
        publications::read(reader, &mut roots, facts.target.major())?;
        partman::read(reader, &mut roots)?;
        unmarked::read(reader, &mut roots)?;
        let of: Vec<Oid> =
            roots.iter().filter(|(name, _)| indexes_of.contains(*name)).map(|(_, root)| root.oid).collect();
        if !of.is_empty() {
            indexes::read(reader, &mut roots, &of, facts.target.major())?;
        }
    }
    let missing = states.iter().filter(|(_, state)| matches!(state, TableState::Missing));
    let missing: Vec<TableName> = missing.map(|(name, _)| name.clone()).collect();
    let similar = similar::read(reader, &missing)?;
    let mut retired = retired::read(reader, &roots)?;
    exclusions::read(reader, &mut roots, &mut retired, facts.target.major())?;
    let citus = citus::read(reader, &roots, retired.keys().copied())?;
    let owners_code = trust::read(reader, &roots, &retired)?;
    let mut owners: BTreeSet<Ident> = retired.values().map(|retired| retired.owner.clone()).collect();
    for (_, root) in roots.iter() {
        owners.insert(root.attributes.owner.clone());
        owners.extend(root.keys_in.values().map(|key| key.owner.clone()));
        for leaf in root.leaves.values() {
            if !owners.contains(&leaf.owner) {
                owners.insert(leaf.owner.clone());
            }
        }
    }
    let session = session::read(reader, &facts, &owners)?;
    let mut schemas: BTreeSet<&str> = retired.values().map(|table| table.name.schema.as_str()).collect();
    for (name, root) in roots.iter() {
        schemas.insert(name.schema.as_str());
        schemas.extend(root.leaves.values().map(|leaf| leaf.name.schema.as_str()));
    }
    let roles = owners.iter().map(Ident::as_str).chain([session.name.as_str()]).collect();
    let lacks = rights::read(reader, &roles, &schemas)?;
    let unread: BTreeMap<Oid, String> = policies::read(reader, &mut roots, &with_policies)?.into_iter().collect();
    states.extend(roots.all.into_iter().map(|(oid, (name, root))| match unread.get(&oid) {
        Some(because) => (name, TableState::Unfit(because.clone())),
        None => (name, TableState::Partitioned(Box::new(root))),
    }));
    Ok(Snapshot {
        format_version: SNAPSHOT_FORMAT.to_owned(),
        target: facts.target,
        taken_at: facts.taken_at,
        clock_skew_ms: facts.clock_skew_ms,
        catalog: Catalog {
            tables: states,
            retired,
            session,
            similar,
            has_standbys: facts.has_standbys,
            owners_code,
            lock_slots: Some(facts.lock_slots),
            citus,
            lacks,
            logins: BTreeMap::new(),
            idle_logins: BTreeSet::new(),
            limits: None,
            settings: None,
            pooler: None,
        },
        answers: Answers::default(),
    })
}

/// The partitioned tables under inspection, filled query by query.
#[derive(Default)]
struct Roots {
    all: BTreeMap<Oid, (TableName, Root)>,
    oids: Vec<u32>,
}

impl Roots {
    fn add(&mut self, name: TableName, root: Root) {
        self.oids.push(root.oid.0);
        self.all.insert(root.oid, (name, root));
    }

    fn get(&mut self, oid: Oid) -> Option<&mut Root> {
        self.all.get_mut(&oid).map(|(_, root)| root)
    }

    fn iter(&self) -> impl Iterator<Item = (&TableName, &Root)> {
        self.all.values().map(|(name, root)| (name, root))
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = (&TableName, &mut Root)> {
        self.all.values_mut().map(|(name, root)| (&*name, root))
    }

    /// All OIDs, as a query's parameter.
    fn oids_param(&self) -> (&(dyn ToSql + Sync), Type) {
        (&self.oids, Type::OID_ARRAY)
    }
}

/// The partitioned ones among these tables, by OID, to be filled from a look of its own.
fn roots_of<'a>(
    snapshot: &'a mut Snapshot,
    tables: &BTreeSet<TableName>,
) -> BTreeMap<Oid, (&'a TableName, &'a mut Root)> {
    let states = snapshot.catalog.tables.iter_mut().filter(|(name, _)| tables.contains(*name));
    let roots = states.filter_map(|(name, state)| match state {
        TableState::Partitioned(root) => Some((root.oid, (name, &mut **root))),
        TableState::Missing | TableState::Unfit(_) => None,
    });
    roots.collect()
}

/// `name=value`, as the catalog keeps storage parameters.
fn pairs(options: Option<Vec<String>>) -> BTreeMap<String, String> {
    let options = options.into_iter().flatten();
    options
        .filter_map(|option| option.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect()
}
