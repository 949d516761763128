//! An index that the server was not asked to make on the probe, for that would run code of others: what waits for the grant.

use std::collections::BTreeSet;

use super::diff::{One, Unclear};
use super::names::leaf_index_name;
use super::steps::{Place, attached};
use super::view::leaves;
use crate::catalog::{CodeBy, OwnersCode};
use crate::plan::{Action, BuildIndex, BuildMode, Class, CreateIndex, Fact, Hazard, HazardKind, IndexAction, Step};
use crate::policy::{IndexDesired, IndexOn};
use crate::sql::{Ident, TableName};

impl One<'_, '_> {
    /// Where not all of its code hangs on the table, the index is missing: what it begins with is blocked, and all the rest
    /// is planned with the grant. Else how it compares is not known.
    pub(super) fn withheld(&mut self, name: &Ident, definition: &IndexDesired, codes: &BTreeSet<OwnersCode>) {
        let context = self.context;
        let hangs = context.snapshot.catalog.owners_code(context.name, &[CodeBy::Expression]);
        let hangs =
            |code: &OwnersCode| hangs.iter().any(|other| (&other.owner, &other.code) == (&code.owner, &code.code));
        let index = TableName { schema: context.name.schema.clone(), name: name.clone() };
        if codes.iter().all(hangs) {
            self.result.findings.push(Unclear::Withheld(codes.clone()).named(context, name));
            return;
        }
        match definition.on {
            IndexOn::Table => {
                let action = IndexAction::Create(CreateIndex {
                    root: context.relation(),
                    owner: context.root.attributes.owner.clone(),
                    index: index.clone(),
                    wanted: name.clone(),
                    definition: definition.clone(),
                });
                let step = context.step(Action::Index(action), Class::Drift, "missing");
                self.result.steps.push(named(step, &index, context.name, None));
            }
            IndexOn::Partitions => {
                let leaving = self.leaving();
                for (oid, leaf) in leaves(context).into_iter().filter(|(oid, _)| !leaving.contains(oid)) {
                    let place = Place::of(oid, leaf);
                    let index = leaf_index_name(context, &leaf.name, name);
                    let action = IndexAction::Build(BuildIndex {
                        partition: leaf.name.clone(),
                        oid: Some(oid),
                        owner: leaf.owner.clone(),
                        index: index.clone(),
                        wanted: name.clone(),
                        definition: definition.clone(),
                        mode: BuildMode::Concurrently,
                    });
                    let mut step = context.step(Action::Index(action), Class::Drift, "missing");
                    step.before.push(attached(context, &place));
                    step.hazards.push(Hazard {
                        kind: HazardKind::IndexBuild,
                        object: leaf.name.clone().into(),
                        detail: "built concurrently: reads and writes go on, old transactions are waited for"
                            .to_owned(),
                    });
                    self.result.steps.push(named(step, &index, &leaf.name, Some(true)));
                }
            }
        }
    }
}

/// How it is spelled is not known: it is there by its name.
fn named(mut step: Step, index: &TableName, table: &TableName, valid: Option<bool>) -> Step {
    step.before.push(Fact::NameFree { name: index.clone() });
    let (index, table) = (index.clone(), table.clone());
    step.after.push(Fact::Index { index, table, valid, attached_to: None, shape: None });
    step
}
