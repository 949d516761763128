//! What a name means that a person typed: a table of the policy, a partition, a detached table; its schema may be left
//! out where only one fits.

use std::collections::BTreeSet;

use crate::catalog::{Oid, Snapshot, TableState};
use crate::plan::{Action, PartitionAction, Plan, PlanOptions};
use crate::policy::{Desired, suggest};
use crate::sql::{Ident, TableName};

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// A table of the policy.
    Table(TableName),
    /// A partition of it, attached or detached.
    Partition {
        /// The policy's table.
        table: TableName,
        /// The partition.
        name: TableName,
        /// Its OID.
        oid: Oid,
    },
    /// A partition that a plan would create.
    Planned {
        /// The policy's table.
        table: TableName,
        /// The partition to be.
        name: TableName,
    },
}

/// Why a name means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// Nothing has it.
    #[error("nothing under policy is called {name}")]
    Unknown {
        /// As it was typed.
        name: String,
        /// What may have been meant.
        hint: String,
    },
    /// Several have it.
    #[error("{name} is ambiguous")]
    Ambiguous {
        /// As it was typed.
        name: String,
        /// All that have it.
        all: BTreeSet<TableName>,
    },
}

impl NotFound {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown { name: _, hint } => hint.clone(),
            Self::Ambiguous { name: _, all } => {
                let all: Vec<String> = all.iter().map(ToString::to_string).collect();
                format!("give the schema: {}", all.join(", "))
            }
        }
    }
}

/// A name as it may be typed.
enum Typed {
    Whole(TableName),
    Bare(Ident),
}

impl Typed {
    fn read(text: &str) -> Option<Self> {
        let whole = text.parse::<TableName>().ok().map(Self::Whole);
        whole.or_else(|| Ident::parse(text).ok().map(Self::Bare))
    }

    fn fits(&self, name: &TableName) -> bool {
        match self {
            Self::Whole(whole) => whole == name,
            Self::Bare(bare) => *bare == name.name,
        }
    }
}

/// The policy's table that a name means.
///
/// # Errors
/// Nothing has the name, or several have.
pub fn table(text: &str, desired: &Desired) -> Result<TableName, NotFound> {
    let typed = Typed::read(text);
    let fits = |name: &&TableName| typed.as_ref().is_some_and(|typed| typed.fits(name));
    let found: BTreeSet<TableName> = desired.tables.keys().filter(fits).cloned().collect();
    one(text, found, |name| name, desired.tables.keys())
}

/// The policy's table that may have been meant: alike but for its schema, or nearly so.
pub fn nearest_table<'d>(name: &TableName, desired: &'d Desired) -> Option<&'d TableName> {
    let same = |known: &&TableName| known.name.as_str().to_lowercase() == name.name.as_str().to_lowercase();
    desired.tables.keys().find(same).or_else(|| {
        let texts: Vec<(String, &TableName)> = desired.tables.keys().map(|known| (known.to_string(), known)).collect();
        let near = suggest::nearest(&name.to_string(), texts.iter().map(|(text, _)| text.as_str()))?;
        texts.iter().find(|(text, _)| text == near).map(|(_, known)| *known)
    })
}

/// What a name means: first what exists, then what the plan would make of it.
///
/// # Errors
/// Nothing has the name, or several have.
pub fn anything(
    text: &str,
    desired: &Desired,
    snapshot: &Snapshot,
    options: &PlanOptions,
    plan: Option<&Plan>,
) -> Result<Found, NotFound> {
    let typed = Typed::read(text);
    let fits = |name: &TableName| typed.as_ref().is_some_and(|typed| typed.fits(name));
    let mut known: Vec<(&TableName, Found)> = Vec::new();
    let tables: BTreeSet<&TableName> = options.selected(desired).map(|(name, _)| name).collect();
    for name in tables.iter().copied() {
        known.push((name, Found::Table(name.clone())));
        let Some(TableState::Partitioned(root)) = snapshot.catalog.tables.get(name) else { continue };
        for (oid, leaf) in &root.leaves {
            known.push((&leaf.name, Found::Partition { table: name.clone(), name: leaf.name.clone(), oid: *oid }));
        }
    }
    for (oid, retired) in &snapshot.catalog.retired {
        // By OID: the root may have been renamed since.
        let table = tables.iter().copied().find(|name| match snapshot.catalog.tables.get(*name) {
            Some(TableState::Partitioned(root)) => root.oid == retired.marker.root_oid,
            Some(TableState::Missing | TableState::Unfit(_)) | None => false,
        });
        if let Some(table) = table.or_else(|| tables.get(&retired.marker.root).copied()).cloned() {
            known.push((&retired.name, Found::Partition { table, name: retired.name.clone(), oid: *oid }));
        }
    }
    let creations = plan.into_iter().flat_map(|plan| &plan.steps).filter_map(|step| match &step.action {
        Action::Partition(PartitionAction::Create(create)) => Some((step, &create.partition)),
        Action::Partition(PartitionAction::CreateDefault(create)) => Some((step, &create.partition)),
        Action::Partition(
            PartitionAction::Finalize(_)
            | PartitionAction::Mark(_)
            | PartitionAction::Detach(_)
            | PartitionAction::Stamp(_)
            | PartitionAction::Attach(_)
            | PartitionAction::Drop(_),
        )
        | Action::Index(_)
        | Action::Storage(_)
        | Action::Maintenance(_)
        | Action::Limit(_)
        | Action::Setting(_) => None,
    });
    known
        .extend(creations.filter_map(|(step, name)| {
            Some((name, Found::Planned { table: step.table.clone()?, name: name.clone() }))
        }));
    let found: BTreeSet<Found> = known.iter().filter(|(name, _)| fits(name)).map(|(_, found)| found.clone()).collect();
    one(text, found, Found::name, known.iter().map(|(name, _)| *name))
}

impl Found {
    /// Its own name.
    pub fn name(&self) -> &TableName {
        match self {
            Self::Table(name) | Self::Partition { name, .. } | Self::Planned { name, .. } => name,
        }
    }

    /// The policy's table that it belongs to.
    pub fn table(&self) -> &TableName {
        match self {
            Self::Table(table) | Self::Partition { table, .. } | Self::Planned { table, .. } => table,
        }
    }
}

fn one<'a, T: Ord>(
    text: &str,
    found: BTreeSet<T>,
    name: impl Fn(&T) -> &TableName,
    known: impl Iterator<Item = &'a TableName>,
) -> Result<T, NotFound> {
    if found.len() > 1 {
        let all = found.iter().map(name).cloned().collect();
        return Err(NotFound::Ambiguous { name: text.to_owned(), all });
    }
    found.into_iter().next().ok_or_else(|| NotFound::Unknown { name: text.to_owned(), hint: hint(text, known) })
}

/// The nearest name, with its schema; else how to see what there is.
fn hint<'a>(text: &str, known: impl Iterator<Item = &'a TableName>) -> String {
    let names: Vec<(String, String)> = known.map(|name| (name.to_string(), name.name.to_string())).collect();
    let whole = suggest::nearest(text, names.iter().map(|(whole, _)| whole.as_str()));
    let bare = suggest::nearest(text, names.iter().map(|(_, bare)| bare.as_str()));
    let bare = bare.and_then(|near| names.iter().find(|(_, bare)| bare == near)).map(|(whole, _)| whole.as_str());
    match whole.or(bare) {
        Some(near) => format!("did you mean {near}?"),
        None => "`pgstrata partition list --all` shows every partition".to_owned(),
    }
}
