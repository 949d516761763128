//! SQL that makes an existing partition like its parent, and the questions whether it is.

use super::create::{grant, parameter, row_policy};
use super::{Ident, Literal, TableName};
use crate::catalog::{AclItem, Oid, ReplicaIdentity};
use crate::plan::{AlterPartition, Alteration};

/// Statements in the order of the alterations; parameters in one.
pub(super) fn alter(action: &AlterPartition, acts_as: Option<&Ident>) -> Vec<String> {
    let AlterPartition { root, partition, owner: _, alterations } = action;
    let name = &partition.name;
    let mut statements: Vec<String> = Vec::new();
    let mut parameters: Vec<String> = Vec::new();
    for alteration in alterations {
        match alteration {
            // Whoever connected must act as the old owner and may become the new one: the old one itself seldom may.
            Alteration::Owner { from: _, to } => statements.extend([
                "SET LOCAL ROLE NONE".to_owned(),
                format!("ALTER TABLE {name} OWNER TO {to}"),
                format!("SET LOCAL ROLE {}", acts_as.unwrap_or(to)),
            ]),
            Alteration::Parameter { name, from: _, to } => {
                parameters.push(format!("{} = {}", parameter(name), Literal(to)));
                continue;
            }
            Alteration::StatisticsTarget { column, from: _, to } => {
                statements.push(format!("ALTER TABLE {name} ALTER COLUMN {column} SET STATISTICS {to}"));
            }
            Alteration::Compression { column, from: _, to } => {
                statements.push(format!("ALTER TABLE {name} ALTER COLUMN {column} SET COMPRESSION {to}"));
            }
            Alteration::Storage { column, from: _, to } => {
                statements.push(format!("ALTER TABLE {name} ALTER COLUMN {column} SET STORAGE {to}"));
            }
            Alteration::ReplicaIdentity { from: _, to } => {
                let to = match to {
                    ReplicaIdentity::Default => "DEFAULT".to_owned(),
                    ReplicaIdentity::Nothing => "NOTHING".to_owned(),
                    ReplicaIdentity::Full => "FULL".to_owned(),
                    ReplicaIdentity::Index(index) => format!("USING INDEX {index}"),
                };
                statements.push(format!("ALTER TABLE {name} REPLICA IDENTITY {to}"));
            }
            Alteration::Policy { policy } => statements.push(row_policy(&root.name, name, policy)),
            Alteration::RowSecurity => statements.push(format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")),
            Alteration::ForceRowSecurity => statements.push(format!("ALTER TABLE {name} FORCE ROW LEVEL SECURITY")),
            Alteration::Grant { item } => statements.push(grant(name, item)),
        }
    }
    if !parameters.is_empty() {
        // After the owner, who sets them.
        let at = alterations.iter().position(|one| matches!(one, Alteration::Owner { .. })).map_or(0, |_| 3);
        statements.insert(at, format!("ALTER TABLE {name} SET ({})", parameters.join(", ")));
    }
    statements
}

/// Whether the partition has all that these alterations lead to.
pub(super) fn check(partition: &TableName, oid: Option<Oid>, alterations: &[Alteration]) -> String {
    let same = oid.map_or_else(String::new, |oid| format!(" AND c.oid = {oid}"));
    let holds: Vec<String> = alterations.iter().map(|alteration| format!(" AND {}", expression(alteration))).collect();
    format!(
        "EXISTS (SELECT FROM pg_class c WHERE c.oid = to_regclass({}){same}{})",
        Literal(&partition.in_text()),
        holds.concat()
    )
}

fn expression(alteration: &Alteration) -> String {
    match alteration {
        Alteration::Owner { from: _, to } => format!("pg_get_userbyid(c.relowner) = {}", text(to)),
        Alteration::Parameter { name, from: _, to } => {
            let is = |name: &str| Literal(&format!("{name}={to}")).to_string();
            match name.strip_prefix("toast.") {
                // Without a TOAST table its parameters are accepted and forgotten.
                Some(bare) => format!(
                    "(c.reltoastrelid = 0 OR EXISTS (SELECT FROM pg_class t WHERE t.oid = c.reltoastrelid AND {} = ANY (t.reloptions)))",
                    is(bare)
                ),
                None => format!("coalesce({} = ANY (c.reloptions), false)", is(name)),
            }
        }
        Alteration::StatisticsTarget { column, from: _, to } => of_column(column, &format!("a.attstattarget = {to}")),
        Alteration::Compression { column, from: _, to } => {
            of_column(column, &format!("a.attcompression = '{}'", to.in_catalog()))
        }
        Alteration::Storage { column, from: _, to } => {
            of_column(column, &format!("a.attstorage = '{}'", to.in_catalog()))
        }
        Alteration::ReplicaIdentity { from: _, to } => match to {
            ReplicaIdentity::Default => "c.relreplident = 'd'".to_owned(),
            ReplicaIdentity::Nothing => "c.relreplident = 'n'".to_owned(),
            ReplicaIdentity::Full => "c.relreplident = 'f'".to_owned(),
            ReplicaIdentity::Index(index) => format!(
                "EXISTS (SELECT FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid AND x.indisreplident AND i.relname = {})",
                text(index)
            ),
        },
        Alteration::Policy { policy } => {
            format!("EXISTS (SELECT FROM pg_policy y WHERE y.polrelid = c.oid AND y.polname = {})", text(&policy.name))
        }
        Alteration::RowSecurity => "c.relrowsecurity".to_owned(),
        Alteration::ForceRowSecurity => "c.relforcerowsecurity".to_owned(),
        Alteration::Grant { item } => granted(item),
    }
}

/// Whether the parent still grants this, and shows no less through itself than the partition would: a grant on the
/// partition goes around the parent's row security.
pub(super) fn parent_grants(root: Oid, partition: Oid, items: &[AclItem], makes: &[Ident], secures: bool) -> String {
    let granted: Vec<String> = items.iter().map(|item| format!(" AND {}", granted(item))).collect();
    let secured = if secures { "" } else { "p.relrowsecurity AND " };
    let made: Vec<String> = makes.iter().map(|name| format!(" UNION SELECT {}::name", text(name))).collect();
    let theirs = format!("SELECT polname FROM pg_policy WHERE polrelid = {root}");
    let own = format!("SELECT polname FROM pg_policy WHERE polrelid = {partition}{}", made.concat());
    format!(
        "EXISTS (SELECT FROM pg_class c, pg_class p WHERE c.oid = {root} AND p.oid = {partition}{} AND (NOT c.relrowsecurity OR ({secured}NOT EXISTS ({theirs} EXCEPT ({own})) AND NOT EXISTS (({own}) EXCEPT {theirs}))))",
        granted.concat()
    )
}

fn of_column(column: &Ident, holds: &str) -> String {
    format!("EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = {} AND {holds})", text(column))
}

fn granted(item: &AclItem) -> String {
    let AclItem { grantee, column, grantable, privileges } = item;
    let acl = column.as_ref().map_or_else(
        || "c.relacl".to_owned(),
        |column| {
            format!("(SELECT a.attacl FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = {})", text(column))
        },
    );
    let to = grantee.as_ref().map_or_else(
        || "g.grantee = 0".to_owned(),
        |grantee| format!("g.grantee = (SELECT r.oid FROM pg_roles r WHERE r.rolname = {})", text(grantee)),
    );
    let option = if *grantable { " AND g.is_grantable" } else { "" };
    let all: Vec<String> = privileges
        .iter()
        .map(|privilege| {
            format!(
                "EXISTS (SELECT FROM aclexplode({acl}) g WHERE {to} AND g.privilege_type = {}{option})",
                Literal(privilege)
            )
        })
        .collect();
    all.join(" AND ")
}

fn text(ident: &Ident) -> Literal<'_> {
    Literal(ident.as_str())
}
