//! Storage parameters: those of the policy, on servers that know them.

use std::collections::BTreeMap;

use crate::catalog::LeafStorage;
use crate::plan::{Alteration, Code, Fact, Finding};
use crate::policy::{is_of_toast, is_same_parameter, needs_major};
use crate::resource::partition::Context;
use crate::sql::TableName;

fn is_known(context: &Context<'_>, name: &str) -> bool {
    needs_major(name).is_none_or(|major| context.snapshot.target.major() >= major)
}

/// What a partition gets: a parameter that the server does not know would make the whole statement fail.
pub(crate) fn parameters(context: &Context<'_>) -> BTreeMap<String, String> {
    let wanted = context.table.storage_parameters.iter();
    wanted.filter(|(name, _)| is_known(context, name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// What a step that makes a partition promises of its parameters.
pub(crate) fn promised(context: &Context<'_>, partition: &TableName) -> Option<Fact> {
    let alterations: Vec<Alteration> =
        parameters(context).into_iter().map(|(name, to)| Alteration::Parameter { name, from: None, to }).collect();
    let root = context.relation();
    (!alterations.is_empty()).then(|| Fact::Altered { root, partition: partition.clone(), oid: None, alterations })
}

/// What the policy wants, and this server has not.
pub(super) fn unsupported(context: &Context<'_>) -> Vec<Finding> {
    let major = context.snapshot.target.major();
    let wanted = context.table.storage_parameters.keys().filter(|name| !is_known(context, name));
    wanted
        .map(|name| {
            let since = needs_major(name).unwrap_or_default();
            let message = format!("`{name}` came with PostgreSQL {since}: partitions here, of {major}, go without");
            context.finding(Code::ParameterUnsupported, None, message)
        })
        .collect()
}

/// What is to be set on a partition.
pub(super) fn to_set(wanted: &BTreeMap<String, String>, stored: &LeafStorage) -> Vec<Alteration> {
    let mut alterations = Vec::new();
    for (name, to) in wanted {
        // Without a TOAST table the server accepts its parameters and forgets them: they would be wanted for ever.
        if is_of_toast(name) && !stored.toasted {
            continue;
        }
        let from = stored.parameters.get(name);
        if from.is_none_or(|from| !is_same_parameter(name, from, to)) {
            alterations.push(Alteration::Parameter { name: name.clone(), from: from.cloned(), to: to.clone() });
        }
    }
    alterations
}
