//! What all of the newest partitions have for their own, as lines of a policy that gives it to new ones too; what no policy
//! can say is said beside it.

use std::collections::BTreeMap;

use super::draft::Line;
use crate::catalog::{OwnKind, Root};
use crate::policy::OwnName;
use crate::sql::Ident;

/// What the policy says for it.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) partition: Vec<Line>,
    pub(super) storage_parameters: BTreeMap<String, String>,
    pub(super) remarks: Vec<String>,
}

pub(super) fn shared(root: &Root) -> Shared {
    let mut shared = Shared::default();
    let Some(siblings) = root.siblings.as_deref() else { return shared };
    if let Some(storage) = root.storage.as_deref() {
        shared.storage_parameters =
            siblings.common_parameters(|leaf| storage.leaves.get(&leaf).map(|leaf| &leaf.parameters));
    }
    let Some(leaf) = siblings.first().and_then(|first| root.leaves.get(&first.leaf)) else { return shared };
    let (mut checks, mut triggers, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for own in siblings.common() {
        let OwnName(name) = OwnName::of(&own.name, &leaf.name.name);
        // A name that is the same everywhere is read as an identifier.
        let name = if name == own.name { Ident::new(name).to_string() } else { name };
        match own.kind {
            OwnKind::Unlogged => shared.partition.push(Line::word("unlogged", "true")),
            OwnKind::Check => checks.push(name),
            OwnKind::Trigger => triggers.push(name),
            OwnKind::Index
            | OwnKind::ForeignKey
            | OwnKind::NotNull
            | OwnKind::Tablespace
            | OwnKind::AccessMethod
            | OwnKind::Rule
            | OwnKind::Statistics => rest.push(own.to_string()),
        }
    }
    let said = "as the newest partition has them".to_owned();
    for (key, names) in [("checks", checks), ("triggers", triggers)] {
        if !names.is_empty() {
            shared.partition.push(Line::list(key, names).says(said.clone()));
        }
    }
    if !rest.is_empty() {
        let count = siblings.newest.len();
        shared.remarks.push(format!(
            "The newest {count} partitions have for their own, and new ones will not: {}.",
            rest.join("; ")
        ));
    }
    shared
}
