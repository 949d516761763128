//! The rules of maintenance: only what the policy asks for, on what is over, by whoever owns it or may maintain it.

use super::super::action::{AnalyzeParent, ReindexIndex, Relation, VacuumPartition};
use super::super::document::Plan;
use super::super::fact::Fact;
use super::super::step::Class;
use super::rules::{Rules, rule};
use crate::policy::MaintenanceDesired;
use crate::sql::Ident;

impl Rules<'_> {
    pub(super) fn analyze(&self, plan: &Plan, analyze: &AnalyzeParent) -> Result<(), String> {
        let AnalyzeParent { root, role, only } = analyze;
        rule(self.is_root(root), "its root is another table")?;
        rule(self.maintenance()?.analyze_parent_every.is_some(), "the policy does not ask for it")?;
        self.maintains(role, &self.root.attributes.owner)?;
        rule(!only || self.snapshot.target.major() >= 18, "this server has no ANALYZE ONLY")?;
        // It would keep them from attaching what they make.
        let later = plan.steps.iter().skip_while(|step| step.id != self.step.id);
        let mut creations =
            later.filter(|step| step.table.as_ref() == Some(self.name) && step.action.word() == "create");
        rule(creations.all(|step| step.gate.is_blocked()), "partitions are made after it, which it may keep waiting")?;
        self.promises(|fact| matches!(fact, Fact::Analyzed { root: analyzed, .. } if analyzed == root))
    }

    pub(super) fn vacuum(&self, vacuum: &VacuumPartition) -> Result<(), String> {
        let VacuumPartition { partition, from: _, to: _, role } = vacuum;
        rule(self.maintenance()?.freeze_closed, "the policy does not ask for it")?;
        self.kept(partition, role)?;
        self.promises(|fact| matches!(fact, Fact::Frozen { partition: frozen, .. } if frozen == partition))
    }

    pub(super) fn reindex(&self, reindex: &ReindexIndex) -> Result<(), String> {
        let ReindexIndex { partition, role, index } = reindex;
        rule(self.maintenance()?.reindex_above_bloat.is_some(), "the policy does not ask for it")?;
        self.kept(partition, role)?;
        let found = self.root.upkeep.as_ref().and_then(|upkeep| upkeep.indexes.get(&index.oid));
        rule(found.is_none_or(|found| found.leaf == partition.oid), "its index is another partition's")?;
        self.states(|fact| matches!(fact, Fact::SameIndex { index: same } if same == index))?;
        self.promises(|fact| matches!(fact, Fact::Rebuilt { index: old } if old == index))
    }

    fn maintenance(&self) -> Result<&MaintenanceDesired, String> {
        // Neither late nor drift: nobody is woken up for it.
        rule(self.step.class == Class::Scheduled, "maintenance is only ever scheduled")?;
        self.table.maintenance.as_ref().ok_or_else(|| "the policy does not ask for it".to_owned())
    }

    /// An attached partition of this table, by one who may.
    fn kept(&self, partition: &Relation, role: &Ident) -> Result<(), String> {
        self.states(|fact| matches!(fact, Fact::Attached { root, partition: leaf, oid, pending: false, .. } if self.is_root(root) && *leaf == partition.name && *oid == Some(partition.oid)))?;
        match self.root.leaves.get(&partition.oid) {
            Some(leaf) if leaf.name != partition.name => Err("its partition is another one's".to_owned()),
            Some(leaf) => self.maintains(role, &leaf.owner),
            None => Ok(()),
        }
    }

    fn maintains(&self, role: &Ident, owner: &Ident) -> Result<(), String> {
        let itself = role.as_str() == self.snapshot.catalog.session.name;
        rule(role == owner || itself, "it works as a role that is neither the owner nor the one that connected")
    }
}
