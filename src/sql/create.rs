//! SQL that makes a partition: a table like its parent, all that LIKE leaves out, then ATTACH.

use std::collections::BTreeMap;

use super::literal::dollar_quoted;
use super::qualifier::requalified;
use super::{Ident, Literal, TableName, index};
use crate::catalog::{AclItem, Attributes, KeyColumn, ReplicaIdentity, RowPolicy};
use crate::grid::{Bound, LeafBounds};
use crate::plan::{AttachPartition, CopiedTrigger, CreateDefault, CreatePartition, Making};

/// The CHECK that lets ATTACH skip its scan; dropped in the same transaction.
const BOUND_CHECK: &str = "pgstrata_bound";

/// Statements for a partition of one range.
pub(super) fn partition(create: &CreatePartition, give: bool) -> Vec<String> {
    let CreatePartition { root, partition, key, from, to, attributes, storage_parameters, making, touches: _ } = create;
    let (from, to) = (Bound::Value(*from), *to);
    let check = format!(", CONSTRAINT {BOUND_CHECK} CHECK ({})", bound_check(key, from, to));
    let mut statements = table_like(&root.name, (partition, give), &check, attributes, storage_parameters, making);
    statements.push(attach(&root.name, partition, &LeafBounds::Range { from, to }));
    statements.push(format!("ALTER TABLE {partition} DROP CONSTRAINT {BOUND_CHECK}"));
    statements.extend(once_attached(&root.name, partition, attributes));
    statements
}

/// Statements for the default partition.
pub(super) fn default(create: &CreateDefault, give: bool) -> Vec<String> {
    let CreateDefault { root, partition, attributes, storage_parameters, making, touches: _ } = create;
    let mut statements = table_like(&root.name, (partition, give), "", attributes, storage_parameters, making);
    statements.push(attach(&root.name, partition, &LeafBounds::Default));
    statements.extend(once_attached(&root.name, partition, attributes));
    statements
}

/// The statements that attach a detached table again.
pub(super) fn again(action: &AttachPartition) -> Vec<String> {
    let AttachPartition { root, owner: _, key: _, retired, references: _, rebuilt, touches: _ } = action;
    let (from, to) = (retired.marker.from, retired.marker.to);
    let partition = &retired.partition.name;
    let drops = rebuilt.iter().map(|constraint| format!("ALTER TABLE {partition} DROP CONSTRAINT {constraint}"));
    drops.chain([attach(&root.name, partition, &LeafBounds::Range { from, to })]).collect()
}

fn attach(root: &TableName, partition: &TableName, bounds: &LeafBounds) -> String {
    format!("ALTER TABLE {root} ATTACH PARTITION {partition} {bounds}")
}

/// The range as a CHECK. A nullable key needs IS NOT NULL for the server to see that it implies the bound (measured).
fn bound_check(key: &KeyColumn, from: Bound, to: Bound) -> String {
    let column = &key.name;
    let mut terms = Vec::new();
    if !key.not_null {
        terms.push(format!("{column} IS NOT NULL"));
    }
    if let Bound::Value(from) = from {
        terms.push(format!("{column} >= {}", Literal(&from.to_string())));
    }
    if let Bound::Value(to) = to {
        terms.push(format!("{column} < {}", Literal(&to.to_string())));
    }
    terms.join(" AND ")
}

fn table_like(
    root: &TableName,
    (partition, give): (&TableName, bool),
    check: &str,
    attributes: &Attributes,
    storage_parameters: &BTreeMap<String, String>,
    making: &Making,
) -> Vec<String> {
    let Attributes { owner, tablespace, grants, row_security, replica_identity, statistics_targets } = attributes;
    let Making { indexes_by_attach, unlogged, checks, triggers, indexes: own_indexes } = making;
    let unlogged = if *unlogged { "UNLOGGED " } else { "" };
    let indexes = if *indexes_by_attach { " EXCLUDING INDEXES" } else { "" };
    // 14 to 16 would give the partition a sequence of its own, 17 and later refuse the ATTACH: identity stays out.
    let mut create =
        format!("CREATE {unlogged}TABLE {partition} (LIKE {root} INCLUDING ALL{indexes} EXCLUDING IDENTITY{check})");
    if !storage_parameters.is_empty() {
        let parameters: Vec<String> = storage_parameters
            .iter()
            .map(|(name, value)| format!("{} = {}", parameter(name), Literal(value)))
            .collect();
        create.push_str(&format!(" WITH ({})", parameters.join(", ")));
    }
    if let Some(tablespace) = tablespace {
        create.push_str(&format!(" TABLESPACE {tablespace}"));
    }
    let mut statements = vec![create];
    // Before the grants, which are the owner's to give.
    if give {
        statements.push(format!("ALTER TABLE {partition} OWNER TO {owner}"));
    }
    statements.extend(checks.iter().map(|check| {
        let definition = requalified(&check.definition, &check.of, &partition.name);
        format!("ALTER TABLE {partition} ADD CONSTRAINT {} {definition}", check.name)
    }));
    // The server plans what an index calls as the table's owner.
    statements.extend(own_indexes.iter().map(|own| index::own(partition, own)));
    statements.extend(triggers.iter().flat_map(|trigger| copied_trigger(partition, trigger)));
    for (column, target) in statistics_targets {
        statements.push(format!("ALTER TABLE {partition} ALTER COLUMN {column} SET STATISTICS {target}"));
    }
    statements.extend(grants.iter().map(|item| grant(partition, item)));
    if row_security.enabled {
        statements.push(format!("ALTER TABLE {partition} ENABLE ROW LEVEL SECURITY"));
    }
    if row_security.forced {
        statements.push(format!("ALTER TABLE {partition} FORCE ROW LEVEL SECURITY"));
    }
    match replica_identity {
        ReplicaIdentity::Default | ReplicaIdentity::Index(_) => {}
        ReplicaIdentity::Nothing => statements.push(format!("ALTER TABLE {partition} REPLICA IDENTITY NOTHING")),
        ReplicaIdentity::Full => statements.push(format!("ALTER TABLE {partition} REPLICA IDENTITY FULL")),
    }
    statements
}

fn copied_trigger(partition: &TableName, trigger: &CopiedTrigger) -> Vec<String> {
    let CopiedTrigger { name, constraint, events, tail, enabled } = trigger;
    let kind = if *constraint { "CONSTRAINT " } else { "" };
    let mut statements = vec![format!("CREATE {kind}TRIGGER {name} {events} ON {partition} {tail}")];
    let how = match enabled {
        'D' => Some("DISABLE TRIGGER"),
        'R' => Some("ENABLE REPLICA TRIGGER"),
        'A' => Some("ENABLE ALWAYS TRIGGER"),
        _ => None,
    };
    statements.extend(how.map(|how| format!("ALTER TABLE {partition} {how} {name}")));
    statements
}

/// `toast.autovacuum_enabled` is two names with a dot, each quoted where needed.
pub(super) fn parameter(name: &str) -> String {
    name.split('.').map(|part| Ident::new(part).to_string()).collect::<Vec<_>>().join(".")
}

pub(super) fn grant(partition: &TableName, item: &AclItem) -> String {
    let AclItem { grantee, column, grantable, privileges } = item;
    let columns = column.as_ref().map_or_else(String::new, |column| format!(" ({column})"));
    let privileges: Vec<String> = privileges.iter().map(|privilege| format!("{privilege}{columns}")).collect();
    let option = if *grantable { " WITH GRANT OPTION" } else { "" };
    format!("GRANT {} ON TABLE {partition} TO {}{option}", privileges.join(", "), role(grantee.as_ref()))
}

fn role(role: Option<&Ident>) -> String {
    role.map_or_else(|| "PUBLIC".to_owned(), Ident::to_string)
}

pub(super) fn row_policy(root: &TableName, partition: &TableName, policy: &RowPolicy) -> String {
    let RowPolicy { name, permissive, command, roles, using, check, reads: _ } = policy;
    let kind = if *permissive { "PERMISSIVE" } else { "RESTRICTIVE" };
    let roles: Vec<String> = roles.iter().map(|name| role(name.as_ref())).collect();
    let mut sql = format!("CREATE POLICY {name} ON {partition} AS {kind} FOR {command} TO {}", roles.join(", "));
    if let Some(using) = using {
        sql.push_str(&format!(" USING ({})", requalified(using, &root.name, &partition.name)));
    }
    if let Some(check) = check {
        sql.push_str(&format!(" WITH CHECK ({})", requalified(check, &root.name, &partition.name)));
    }
    sql
}

/// What a table can only say as a partition. A policy may hand its row to a function that takes the parent's row type, which
/// only a partition's row is turned into; nobody sees the partition before it all is committed.
fn once_attached(root: &TableName, partition: &TableName, attributes: &Attributes) -> Vec<String> {
    let policies = attributes.row_security.policies.iter().map(|policy| row_policy(root, partition, policy));
    policies.chain(index_identity(partition, attributes)).collect()
}

/// Only after ATTACH is it known which of the partition's indexes belongs to the parent's replica identity.
fn index_identity(partition: &TableName, attributes: &Attributes) -> Option<String> {
    let ReplicaIdentity::Index(parent) = &attributes.replica_identity else { return None };
    let index = TableName { schema: partition.schema.clone(), name: parent.clone() };
    let body = format!(
        "
BEGIN
  EXECUTE (
    SELECT format('ALTER TABLE %s REPLICA IDENTITY USING INDEX %I', {shown}, c.relname)
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_index x ON x.indexrelid = c.oid
    WHERE i.inhparent = {index}::regclass AND x.indrelid = {shown}::regclass
  );
END
",
        shown = Literal(&partition.in_text()),
        index = Literal(&index.in_text()),
    );
    Some(format!("DO {}", dollar_quoted(&body)))
}
