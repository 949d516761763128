//! Whose a partition is, and what it shares with its parent: compared always, for a new one gets all of it.

use std::collections::BTreeMap;

use super::remarks::Remarks;
use crate::catalog::{AclItem, Attributes, ColumnStorage, Leaf, LeafAttributes, PolicyMatch, ReplicaIdentity};
use crate::plan::{Alteration, Code};
use crate::sql::Ident;

/// One partition beside its parent.
pub(super) struct Beside<'a> {
    pub(super) parent: &'a Attributes,
    /// Columns whose storage or compression the parent sets.
    pub(super) columns: &'a BTreeMap<Ident, ColumnStorage>,
    pub(super) leaf: &'a Leaf,
    pub(super) own: &'a LeafAttributes,
    /// Whether privileges and row security are to be its parent's.
    pub(super) inherits: bool,
}

impl Beside<'_> {
    /// What is to be altered, in the order in which it must be: the new owner does the rest, and grants come after the
    /// row security that they must not go around.
    pub(super) fn alterations(&self, remarks: &mut Remarks) -> Vec<Alteration> {
        let mut alterations = Vec::new();
        self.statistics(&mut alterations, remarks);
        self.columns(&mut alterations, remarks);
        alterations.extend(self.replica_identity(remarks));
        // Of what is not to be its parent's only what it lacks is said.
        let mut unsaid = Remarks::default();
        let said = if self.inherits { &mut *remarks } else { &mut unsaid };
        let comparable = self.row_security(&mut alterations, said);
        let grants = self.grants(said);
        if comparable || grants.is_empty() || !self.inherits {
            alterations.extend(grants);
        } else {
            let withheld: Vec<String> = grants.iter().map(ToString::to_string).collect();
            let message = format!(
                "{} is not granted while its row security policies are not its parent's: it would show rows that the \
                 parent hides",
                withheld.join(", ")
            );
            remarks.add(Code::PartitionDiffers, &self.leaf.name, message);
        }
        self.elsewhere(remarks);
        alterations
    }

    fn has_own(&self, remarks: &mut Remarks, what: &str) {
        let message = format!("it has {what}, which its parent has not: left alone");
        remarks.add(Code::PartitionHasOwn, &self.leaf.name, message);
    }

    fn statistics(&self, alterations: &mut Vec<Alteration>, remarks: &mut Remarks) {
        for (column, to) in &self.parent.statistics_targets {
            let from = self.own.statistics_targets.get(column).copied();
            if from != Some(*to) {
                alterations.push(Alteration::StatisticsTarget { column: column.clone(), from, to: *to });
            }
        }
        for column in self.own.statistics_targets.keys() {
            if !self.parent.statistics_targets.contains_key(column) {
                self.has_own(remarks, &format!("a statistics target for column {column}"));
            }
        }
        if !self.own.lacks_statistics.is_empty() {
            let names: Vec<String> = self.own.lacks_statistics.iter().map(ToString::to_string).collect();
            // Of the whole table the parent's own are gathered; one more on each partition is work for every ANALYZE.
            let message = format!(
                "it has no statistics object like {}: only queries that name the partition would gain by one",
                names.join(", ")
            );
            remarks.add(Code::PartitionLacksStatistics, &self.leaf.name, message);
        }
    }

    fn columns(&self, alterations: &mut Vec<Alteration>, remarks: &mut Remarks) {
        for (column, theirs) in self.columns {
            let own = self.own.columns.get(column).copied().unwrap_or_default();
            if let Some(to) = theirs.compression
                && own.compression != Some(to)
            {
                alterations.push(Alteration::Compression { column: column.clone(), from: own.compression, to });
            }
            if let (Some(to), Some(from)) = (theirs.storage, own.storage)
                && from != to
            {
                alterations.push(Alteration::Storage { column: column.clone(), from, to });
            }
        }
        for (column, own) in &self.own.columns {
            let theirs = self.columns.get(column).and_then(|column| column.compression);
            if let (Some(compression), None) = (own.compression, theirs) {
                self.has_own(remarks, &format!("compression {compression} for column {column}"));
            }
        }
    }

    fn replica_identity(&self, remarks: &mut Remarks) -> Option<Alteration> {
        let from = &self.own.replica_identity;
        let mut left_alone = |because: &str| {
            let message = format!("its replica identity is not its parent's: {because}");
            remarks.add(Code::PartitionDiffers, &self.leaf.name, message);
            None
        };
        let to = match (&self.parent.replica_identity, &self.own.identity_index) {
            // A parent that is as tables are made says nothing of what a subscriber was promised of a partition.
            (ReplicaIdentity::Default, _) => match from {
                ReplicaIdentity::Default => return None,
                ReplicaIdentity::Full | ReplicaIdentity::Index(_) => {
                    self.has_own(remarks, "a replica identity of its own");
                    return None;
                }
                ReplicaIdentity::Nothing if self.own.primary_key => ReplicaIdentity::Default,
                ReplicaIdentity::Nothing => {
                    return left_alone("without a primary key updates and deletes of published rows would fail");
                }
            },
            (ReplicaIdentity::Nothing, _) if *from == ReplicaIdentity::Nothing => return None,
            (ReplicaIdentity::Nothing, _) => {
                return left_alone("with none, updates and deletes of published rows would fail");
            }
            (ReplicaIdentity::Full, _) => ReplicaIdentity::Full,
            (ReplicaIdentity::Index(_), Some(index)) => ReplicaIdentity::Index(index.clone()),
            (ReplicaIdentity::Index(index), None) => {
                return left_alone(&format!("it has no valid index that is attached to {index}"));
            }
        };
        (*from != to).then(|| Alteration::ReplicaIdentity { from: from.clone(), to })
    }

    /// Whether what the partition hides is known to be what its parent hides, once all this is done.
    fn row_security(&self, alterations: &mut Vec<Alteration>, remarks: &mut Remarks) -> bool {
        let security = &self.parent.row_security;
        let mut comparable = true;
        for policy in &security.policies {
            let name = &policy.name;
            match self.own.policies.get(name) {
                None => alterations.push(Alteration::Policy { policy: policy.clone() }),
                Some(PolicyMatch::Alike) => {}
                Some(PolicyMatch::Differs | PolicyMatch::Own) => {
                    comparable = false;
                    let message = format!(
                        "its row security policy {name} says something else than its parent's: left alone; once it is \
                         dropped, it is made anew"
                    );
                    remarks.add(Code::PartitionDiffers, &self.leaf.name, message);
                }
                Some(PolicyMatch::Unknown(because)) => {
                    comparable = false;
                    let message =
                        format!("whether its row security policy {name} is its parent's is unknown: {because}");
                    remarks.add(Code::PartitionUnverified, &self.leaf.name, message);
                }
            }
        }
        for (name, matched) in &self.own.policies {
            if *matched == PolicyMatch::Own {
                comparable = false;
                self.has_own(remarks, &format!("a row security policy {name}"));
            }
        }
        match (security.enabled, self.own.row_security) {
            (true, false) => alterations.push(Alteration::RowSecurity),
            (false, true) => self.has_own(remarks, "row security"),
            (true, true) | (false, false) => {}
        }
        match (security.forced, self.own.force_row_security) {
            (true, false) => alterations.push(Alteration::ForceRowSecurity),
            (false, true) => self.has_own(remarks, "row security that is forced on its owner"),
            (true, true) | (false, false) => {}
        }
        comparable || !security.enabled
    }

    fn grants(&self, remarks: &mut Remarks) -> Vec<Alteration> {
        let beyond = lacking(&self.own.grants, &self.parent.grants);
        // What its owner to be was granted becomes the owner's own.
        for item in beyond.into_iter().filter(|item| item.grantee.as_ref() != Some(&self.parent.owner)) {
            let item = Alteration::Grant { item };
            let message = format!("it has granted {item}, which its parent has not: left alone");
            remarks.add(Code::PartitionHasOwn, &self.leaf.name, message);
        }
        lacking(&self.parent.grants, &self.own.grants).into_iter().map(|item| Alteration::Grant { item }).collect()
    }

    fn elsewhere(&self, remarks: &mut Remarks) {
        if let Some(wanted) = &self.parent.tablespace
            && self.own.tablespace.as_ref() != Some(wanted)
        {
            let place = self.own.tablespace.as_ref();
            let place =
                place.map_or_else(|| "the database's own tablespace".to_owned(), |name| format!("tablespace {name}"));
            let message = format!("it is stored in {place}, new ones in {wanted}: no data is moved");
            remarks.add(Code::PartitionHasOwn, &self.leaf.name, message);
        }
        for publication in &self.own.publications {
            let message = format!(
                "publication {publication} lists it, and not its parent: new partitions are not published by it"
            );
            remarks.add(Code::PartitionHasOwn, &self.leaf.name, message);
        }
    }
}

/// What of these grants the others leave out.
fn lacking(wanted: &[AclItem], found: &[AclItem]) -> Vec<AclItem> {
    let mut lacking = Vec::new();
    for item in wanted {
        let AclItem { grantee, column, grantable, privileges } = item;
        let has = |privilege: &String| {
            found.iter().any(|other| {
                other.grantee == *grantee
                    && other.column == *column
                    && (other.grantable || !grantable)
                    && other.privileges.contains(privilege)
            })
        };
        let privileges: Vec<String> = privileges.iter().filter(|privilege| !has(privilege)).cloned().collect();
        if !privileges.is_empty() {
            lacking.push(AclItem { privileges, ..item.clone() });
        }
    }
    lacking
}
