//! What the connected role was not allowed to read, and the GRANTs with which it is read.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Code, Finding};
use crate::catalog::{Answer, Question, Root, Snapshot, TableState, was_refused};
use crate::sql::{Ident, TableName};

/// What of one table could not be read.
#[derive(Default)]
struct Unread {
    rows: bool,
    /// By row security, of the tables' owner too where it is forced.
    hidden: bool,
    indexes: bool,
}

/// A finding for each table and kind of question that the server refused for want of a right.
pub(crate) fn unread(snapshot: &Snapshot) -> Vec<Finding> {
    let mut of_table: BTreeMap<&TableName, Unread> = BTreeMap::new();
    for (question, answer) in snapshot.answers.iter() {
        let Answer::Unknown(because) = answer else { continue };
        let Some(kind) = kind(question).filter(|_| was_refused(because)) else { continue };
        let Some((name, _)) = snapshot.catalog.tables.iter().find(|(_, state)| question.is_about(state)) else {
            continue;
        };
        let unread = of_table.entry(name).or_default();
        match kind {
            // The same SQLSTATE, and no GRANT helps.
            Kind::Rows if because.contains("row-level security") => unread.hidden = true,
            Kind::Rows => unread.rows = true,
            Kind::Indexes => unread.indexes = true,
        }
    }
    let findings = of_table.into_iter().filter_map(|(name, unread)| match snapshot.catalog.tables.get(name)? {
        TableState::Partitioned(root) => Some(of_root(snapshot, name, root, &unread)),
        TableState::Missing | TableState::Unfit(_) => None,
    });
    findings.flatten().collect()
}

enum Kind {
    Rows,
    Indexes,
}

/// What a question reads of its table.
fn kind(question: &Question) -> Option<Kind> {
    match question {
        Question::NewestNonEmpty { .. }
        | Question::HighestKeys { .. }
        | Question::DefaultRows { .. }
        | Question::DefaultKeys { .. } => Some(Kind::Rows),
        Question::WantedIndex { .. } => Some(Kind::Indexes),
        // Its own text is the answer where it cannot be made again; the others read the catalog, or tables of others.
        Question::IndexSpelling { .. }
        | Question::Bytes { .. }
        | Question::Bloat { .. }
        | Question::NameTaken { .. }
        | Question::SchemaExists { .. }
        | Question::CreatesIn { .. }
        | Question::Exists { .. }
        | Question::References { .. }
        | Question::Dependants { .. }
        | Question::Fits { .. } => None,
    }
}

fn of_root(snapshot: &Snapshot, name: &TableName, root: &Root, unread: &Unread) -> Vec<Finding> {
    let who = Ident::new(snapshot.catalog.session_of(name).name.clone());
    let finding = |message: String, hint: String| Finding {
        table: Some(name.clone()),
        code: Code::ReadRefused,
        object: None,
        message,
        hint: Some(hint),
    };
    let mut findings = Vec::new();
    if unread.rows {
        let owner = &root.attributes.owner;
        let schemas: BTreeSet<&Ident> =
            root.leaves.values().map(|leaf| &leaf.name.schema).chain([&name.schema]).collect();
        let now = schemas.iter().map(|schema| {
            format!("GRANT USAGE ON SCHEMA {schema} TO {who}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {who};")
        });
        let then = schemas.iter().map(|schema| {
            format!("ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT SELECT ON TABLES TO {who};")
        });
        let (now, then): (Vec<String>, Vec<String>) = (now.collect(), then.collect());
        findings.push(finding(
            format!("{who} may not read its partitions, so what depends on their rows is unknown"),
            format!("{} and for those to come: {}", now.join(" "), then.join(" ")),
        ));
    }
    if unread.hidden {
        findings.push(finding(
            format!("row security hides rows of its partitions from {who}, so what depends on them is unknown"),
            format!("ALTER ROLE {who} BYPASSRLS; as a superuser, or connect as their owner where it is not forced"),
        ));
    }
    if unread.indexes {
        let database = Ident::new(snapshot.target.database.clone());
        // LIKE wants SELECT on the table.
        let select = match unread.rows || who == root.attributes.owner {
            true => String::new(),
            false => format!(" GRANT USAGE ON SCHEMA {} TO {who}; GRANT SELECT ON {name} TO {who};", name.schema),
        };
        findings.push(finding(
            format!(
                "{who} may not make a temporary table like it, and so its indexes are not compared with the policy's"
            ),
            format!("GRANT TEMPORARY ON DATABASE {database} TO {who};{select}"),
        ));
    }
    findings
}
