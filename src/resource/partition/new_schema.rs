//! The schema that new partitions are made in, where that is not their table's own.

use std::collections::BTreeSet;

use super::context::Context;
use crate::catalog::{Answer, Question};
use crate::plan::{Code, Finding};
use crate::sql::Ident;

/// The schema, where the policy names another than the table's: of that one the catalog has all that is needed.
fn other<'a>(context: &'a Context<'_>) -> Option<&'a Ident> {
    let schema = context.new_schema();
    (*schema != context.name.schema).then_some(schema)
}

/// What must be asked before anything is made in it.
pub(super) fn questions(context: &Context<'_>) -> BTreeSet<Question> {
    let Some(schema) = other(context) else { return BTreeSet::new() };
    let role = context.root.attributes.owner.clone();
    BTreeSet::from([
        Question::SchemaExists { schema: schema.clone() },
        Question::CreatesIn { role, schema: schema.clone() },
    ])
}

/// That it is not there: then no partition can be made.
pub(super) fn missing(context: &Context<'_>) -> Option<Finding> {
    let schema = other(context)?;
    let answer = context.snapshot.answers.get(&Question::SchemaExists { schema: schema.clone() });
    if answer != Answer::Taken(false) {
        return None;
    }
    let owner = &context.root.attributes.owner;
    let message = format!("schema {schema} does not exist: no partition can be created (`partition.schema`)");
    let mut finding = context.finding(Code::SchemaMissing, None, message);
    finding.hint = Some(format!("CREATE SCHEMA {schema} AUTHORIZATION {owner};"));
    Some(finding)
}
