//! Drift by table and kind: what monitoring counts and what keeps its name from one night to the next. Partitions have
//! no such names: those that are missing today are others tomorrow.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};

use super::drift::Drift;
use crate::plan::{Action, Class, Code, Gate, Object, PartitionAction, Plan};
use crate::render::{all_changes, run_words};
use crate::sql::{Ident, TableName};

/// What a pending change is about; stable across versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A partition that the policy wants is not there.
    PartitionMissing,
    /// The default partition that the policy requires is not there.
    DefaultPartitionMissing,
    /// A default partition is there although the policy says `none`.
    DefaultPartitionUnwanted,
    /// A concurrent detach was interrupted.
    DetachUnfinished,
    /// A partition is past its retention.
    RetentionDue,
    /// A detached table has no stamp: its grace does not run.
    DetachUnrecorded,
    /// A detached table that the policy wants back.
    AttachDue,
    /// A detached table is past its grace.
    DropDue,
    /// An index is not on every partition as the policy says.
    IndexMissing,
    /// A partition is not like its parent, or not as the policy says.
    PartitionUnlike,
    /// A table, a partition or an index is due for maintenance.
    MaintenanceDue,
    /// A connection limit or a setting of a role is not what the policy says.
    LimitDiffers,
    /// A setting of the server is not what the policy says, and the policy lets it be changed.
    SettingToChange,
    /// PgBouncer is set otherwise than the policy says.
    PoolerDiffers,
}

/// What a kind stands for.
#[derive(Clone, Copy, Debug)]
struct About {
    code: &'static str,
    description: &'static str,
    of_no_table: bool,
    retention: bool,
}

const fn of_table(code: &'static str, description: &'static str) -> About {
    About { code, description, of_no_table: false, retention: false }
}

const fn of_retention(code: &'static str, description: &'static str) -> About {
    About { code, description, of_no_table: false, retention: true }
}

const fn of_no_table(code: &'static str, description: &'static str) -> About {
    About { code, description, of_no_table: true, retention: false }
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::PartitionMissing,
        Self::DefaultPartitionMissing,
        Self::DefaultPartitionUnwanted,
        Self::DetachUnfinished,
        Self::RetentionDue,
        Self::DetachUnrecorded,
        Self::AttachDue,
        Self::DropDue,
        Self::IndexMissing,
        Self::PartitionUnlike,
        Self::MaintenanceDue,
        Self::LimitDiffers,
        Self::SettingToChange,
        Self::PoolerDiffers,
    ];

    /// Whether it is about no table.
    pub fn is_of_no_table(self) -> bool {
        self.about().of_no_table
    }

    /// `PARTITION_MISSING`, in the style of the codes of findings.
    pub fn code(self) -> &'static str {
        self.about().code
    }

    /// `partition_missing`: a label's value.
    pub fn word(self) -> String {
        self.code().to_ascii_lowercase()
    }

    /// What it means, in a sentence.
    pub fn description(self) -> &'static str {
        self.about().description
    }

    /// Whether data leaves by it, or has to go.
    pub fn is_retention(self) -> bool {
        self.about().retention
    }

    fn about(self) -> About {
        match self {
            Self::PartitionMissing => of_table("PARTITION_MISSING", "A partition that the policy wants is missing."),
            Self::DefaultPartitionMissing => {
                of_table("DEFAULT_PARTITION_MISSING", "The default partition that the policy requires is missing.")
            }
            Self::DefaultPartitionUnwanted => {
                of_table("DEFAULT_PARTITION_UNWANTED", "There is a default partition although the policy wants none.")
            }
            Self::DetachUnfinished => {
                of_table("DETACH_UNFINISHED", "A concurrent detach was interrupted and waits to be finalized.")
            }
            Self::RetentionDue => of_retention("RETENTION_DUE", "A partition is past its retention."),
            Self::DetachUnrecorded => of_table(
                "DETACH_UNRECORDED",
                "A detached table has no record of when it was detached: its grace does not run.",
            ),
            Self::AttachDue => of_table("ATTACH_DUE", "A detached table is wanted back by the policy."),
            Self::DropDue => of_retention("DROP_DUE", "A detached table is past its grace and waits to be dropped."),
            Self::IndexMissing => {
                of_table("INDEX_MISSING", "An index of the policy is not on every partition, valid and as it says.")
            }
            Self::PartitionUnlike => {
                of_table("PARTITION_UNLIKE", "A partition is not like its parent, or not stored as the policy says.")
            }
            Self::MaintenanceDue => {
                of_table("MAINTENANCE_DUE", "A table, a partition or an index is due for maintenance.")
            }
            Self::LimitDiffers => {
                of_no_table("LIMIT_DIFFERS", "A connection limit or a setting of a role is not what the policy says.")
            }
            Self::SettingToChange => {
                of_no_table("SETTING_TO_CHANGE", "A setting of the server is not what the policy says.")
            }
            Self::PoolerDiffers => of_no_table("POOLER_DIFFERS", "PgBouncer is set otherwise than the policy says."),
        }
    }

    /// Whether a plan was made with a look at such things: what nobody looked at has not passed.
    pub fn is_looked_at(self, plan: &Plan) -> bool {
        let Plan { policy, tables_only, findings, .. } = plan;
        let unseen = |codes: &[Code]| findings.iter().any(|finding| codes.contains(&finding.code));
        match self {
            Self::LimitDiffers => !tables_only && !policy.limits.is_empty(),
            Self::SettingToChange => !tables_only && !policy.settings.is_empty(),
            Self::PoolerDiffers => {
                let asked = !unseen(&[Code::PoolerNotAsked, Code::PoolerUnreadable]);
                !tables_only && policy.limits.pgbouncer.is_some() && asked
            }
            Self::PartitionMissing
            | Self::DefaultPartitionMissing
            | Self::DefaultPartitionUnwanted
            | Self::DetachUnfinished
            | Self::RetentionDue
            | Self::DetachUnrecorded
            | Self::AttachDue
            | Self::DropDue
            | Self::IndexMissing
            | Self::PartitionUnlike
            | Self::MaintenanceDue => true,
        }
    }

    /// What a finding is about that means "wanted, and not so".
    pub fn of_finding(code: Code) -> Option<Self> {
        match code {
            Code::NoNameLeft | Code::SchemaMissing | Code::KeyTypeEnds | Code::CatchAll => Some(Self::PartitionMissing),
            Code::DefaultPartitionPresent => Some(Self::DefaultPartitionUnwanted),
            Code::NotRemovable | Code::ExpiredInDefault => Some(Self::RetentionDue),
            Code::WindowTaken | Code::WindowUnmarked => Some(Self::AttachDue),
            Code::IndexRefused | Code::IndexNotPossible | Code::IndexBuilding | Code::IndexDiffers => {
                Some(Self::IndexMissing)
            }
            Code::PartitionDiffers | Code::ParameterUnsupported | Code::SiblingLacks => Some(Self::PartitionUnlike),
            Code::MaintenancePostponed => Some(Self::MaintenanceDue),
            Code::LimitRefused => Some(Self::LimitDiffers),
            Code::SettingRefused | Code::SettingDiffers | Code::SettingPendingRestart => Some(Self::SettingToChange),
            Code::PoolerDiffers => Some(Self::PoolerDiffers),
            // Whatever of the table it may be.
            Code::TableMissing
            | Code::TableUnfit
            | Code::KeyMismatch
            | Code::WrongTarget
            | Code::InRecovery
            | Code::CitusWorker
            | Code::Unknown
            | Code::ClockSkew
            | Code::PoolerUnreadable
            | Code::NotInSnapshot => None,
            // As the policy says, unverified, or a step stands for it.
            Code::ManagedByPgPartman
            | Code::NotYetEnforced
            | Code::MissingPrivilege
            | Code::ReadRefused
            | Code::OwnerLoginUnused
            | Code::RunsOwnersCode
            | Code::LockSlots
            | Code::RowsInDefault
            | Code::IntervalDiffers
            | Code::RowsOutsideWindows
            | Code::WindowWillBeBlocked
            | Code::DefaultRowsUnverified
            | Code::Straddling
            | Code::Unbounded
            | Code::Held
            | Code::NewestWithRows
            | Code::RowsAhead
            | Code::InGrace
            | Code::Detached
            | Code::KeyCascades
            | Code::Forgotten
            | Code::Unmarked
            | Code::ForeignMarker
            | Code::MarkedButWanted
            | Code::IndexUnverified
            | Code::IndexOtherName
            | Code::IndexUnlisted
            | Code::IndexRedundant
            | Code::IndexStray
            | Code::IndexInvalid
            | Code::PartitionHasOwn
            | Code::PrivilegesNotInherited
            | Code::PartitionLacksStatistics
            | Code::PartitionUnverified
            | Code::MaintenanceUnknown
            | Code::LimitNotPermitted
            | Code::LimitExempt
            | Code::ConnectionBudgetExceeded
            | Code::ConnectionBudget
            | Code::SettingFileError
            | Code::SettingUnknown
            | Code::SettingNotPermitted
            | Code::PoolerNotAsked
            | Code::NameTaken
            | Code::SiblingsHaveMore
            | Code::NameUnchecked => None,
        }
    }

    fn of(action: &Action) -> Self {
        match action {
            Action::Partition(PartitionAction::Create(_)) => Self::PartitionMissing,
            Action::Partition(PartitionAction::CreateDefault(_)) => Self::DefaultPartitionMissing,
            Action::Partition(PartitionAction::Finalize(_)) => Self::DetachUnfinished,
            Action::Partition(PartitionAction::Mark(_) | PartitionAction::Detach(_)) => Self::RetentionDue,
            Action::Partition(PartitionAction::Stamp(_)) => Self::DetachUnrecorded,
            Action::Partition(PartitionAction::Attach(_)) => Self::AttachDue,
            Action::Partition(PartitionAction::Drop(_)) => Self::DropDue,
            Action::Index(_) => Self::IndexMissing,
            Action::Storage(_) => Self::PartitionUnlike,
            Action::Maintenance(_) => Self::MaintenanceDue,
            Action::Limit(_) => Self::LimitDiffers,
            Action::Setting(_) => Self::SettingToChange,
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// Pending changes of one table, kind and class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// The policy's table; `None` where it is about none.
    pub table: Option<&'a TableName>,
    /// What they are about.
    pub kind: Kind,
    /// Why now.
    pub class: Class,
    /// How many changes they are, as a plan counts them, and differences that no step of ours can end.
    pub changes: usize,
    /// How many of them findings tell of.
    pub of_findings: usize,
    /// The partitions, in the plan's order; empty where it is about something else.
    pub partitions: Vec<&'a TableName>,
    /// The policy's indexes.
    pub indexes: BTreeSet<&'a Ident>,
    /// What else they are about: tables and indexes that maintenance is due on, roles, settings.
    pub others: BTreeSet<Object>,
    /// Why at all.
    pub reasons: BTreeSet<&'a str>,
    /// Why some of them may not be carried out; empty when all may.
    pub blocked: BTreeSet<String>,
}

impl Item<'_> {
    /// `2 partitions: events_p20260315 … events_p20260316; overdue: premake; blocked: …`
    pub fn sentence(&self) -> String {
        let relations: Vec<&TableName> = self.others.iter().filter_map(Object::relation).collect();
        let (count, one, many, names) = if !self.indexes.is_empty() || self.kind == Kind::IndexMissing {
            let own = self.indexes.iter().map(ToString::to_string);
            let found = relations.iter().map(|index| index.name.to_string());
            let names: BTreeSet<String> = own.chain(found).collect();
            (names.len(), "index", "indexes", names.into_iter().collect::<Vec<_>>().join(", "))
        } else if self.kind.is_of_no_table() {
            let names: Vec<String> = self.others.iter().map(ToString::to_string).collect();
            (self.changes, "change", "changes", names.join(", "))
        } else if self.kind == Kind::MaintenanceDue && !relations.is_empty() {
            (relations.len(), "table or index", "tables and indexes", run_words(self.table, &relations))
        } else {
            let all: Vec<&TableName> = self.partitions.iter().copied().chain(relations).collect();
            (all.len(), "partition", "partitions", run_words(self.table, &all))
        };
        // A finding may be about the table as a whole.
        if names.is_empty() {
            let reasons = self.reasons.iter().copied().collect::<Vec<_>>().join(", ");
            return format!("{}: {reasons}", self.class.word());
        }
        let count = match count {
            1 => format!("1 {one}"),
            count => format!("{count} {many}"),
        };
        let reasons = self.reasons.iter().copied().collect::<Vec<_>>().join(", ");
        let mut sentence = format!("{count}: {names}; {}", self.class.word());
        if !reasons.is_empty() {
            sentence.push_str(&format!(": {reasons}"));
        }
        if !self.blocked.is_empty() {
            let because = self.blocked.iter().map(String::as_str).collect::<Vec<_>>().join("; ");
            sentence.push_str(&format!("; blocked: {because}"));
        }
        sentence
    }
}

type Key<'a> = (Option<&'a TableName>, Kind, Class);

fn item<'m, 'a>(items: &'m mut BTreeMap<Key<'a>, Item<'a>>, key: Key<'a>) -> &'m mut Item<'a> {
    let (table, kind, class) = key;
    items.entry(key).or_insert_with(|| Item {
        table,
        kind,
        class,
        changes: 0,
        of_findings: 0,
        partitions: Vec::new(),
        indexes: BTreeSet::new(),
        others: BTreeSet::new(),
        reasons: BTreeSet::new(),
        blocked: BTreeSet::new(),
    })
}

/// Pending changes by table, kind and class, those of classes that do not count as well.
pub fn items<'a>(drift: &Drift<'a>) -> Vec<Item<'a>> {
    let mut items: BTreeMap<Key<'_>, Item<'_>> = BTreeMap::new();
    let mut altered = BTreeSet::new();
    for change in all_changes(drift.plan) {
        let step = change.lead;
        let (table, kind, class) = (step.table.as_ref(), Kind::of(&step.action), step.class);
        let item = item(&mut items, (table, kind, class));
        item.changes += 1;
        match &step.action {
            Action::Partition(action) => item.partitions.push(action.partition()),
            Action::Storage(action) => {
                // What makes its users wait and what does not are two changes of one partition.
                if altered.insert((kind, class, action.partition())) {
                    item.partitions.push(action.partition());
                }
            }
            Action::Index(action) => drop(item.indexes.insert(action.wanted())),
            Action::Maintenance(_) | Action::Limit(_) | Action::Setting(_) => {
                item.others.insert(step.action.object());
            }
        }
        item.reasons.insert(&step.reason);
        if let Gate::Blocked(blocks) = &step.gate {
            item.blocked.extend(blocks.iter().map(ToString::to_string));
        }
    }
    for finding in &drift.plan.findings {
        let Some((kind, class)) = Kind::of_finding(finding.code).zip(finding.code.unmet().class()) else { continue };
        let item = item(&mut items, (finding.table.as_ref(), kind, class));
        item.changes += 1;
        item.of_findings += 1;
        item.others.extend(finding.object.clone());
        item.reasons.insert(&finding.message);
    }
    items.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::{all_kinds, busy};
    use crate::report::drift::{default_fail_on, drift};

    #[test]
    fn every_change_is_in_one_item() {
        for plan in [busy(), all_kinds()] {
            let found = drift(&plan, &default_fail_on());
            let items = items(&found);
            let counted: usize = items.iter().map(|item| item.changes).sum();
            assert_eq!(counted, found.by_class.values().sum::<usize>());
            let keys: BTreeSet<_> = items.iter().map(|item| (item.table, item.kind, item.class)).collect();
            assert_eq!(keys.len(), items.len());
        }
    }

    #[test]
    fn indexes_and_maintenance_are_counted_as_the_plan_counts_them_and_named_once() {
        const TABLE: &str = "public.events";
        let policy = "tables: {public.events: {partition: {key: at, interval: 1 month, premake: 1},
            indexes: {by_actor: {columns: [actor, at desc]}}, maintenance: {analyze_parent_every: 1 day, freeze_closed: true}}}";
        let mut world = crate::testing::World::new("2026-03-14", policy);
        let leaves = world.windows(TABLE, "2026-01-01", "2026-05-01");
        let root = world.root(TABLE).oid;
        world.index(TABLE, root, "by_actor", &["actor", "at"], None);
        let upkeep = world.upkeep(TABLE);
        (upkeep.analyzed, upkeep.analyzed_at) = (false, None);
        let leaf = upkeep.leaves.get_mut(&leaves[0]).unwrap();
        (leaf.rows, leaf.xid_age) = (None, 10);
        let plan = world.plan();
        let found = drift(&plan, &default_fail_on());
        let items = items(&found);
        // The swap has no grant, and is a change of its own.
        let of = |kind: Kind| items.iter().find(|item| item.kind == kind).unwrap_or_else(|| panic!("{items:?}"));
        assert_eq!(of(Kind::IndexMissing).changes, 2);
        assert!(of(Kind::IndexMissing).sentence().starts_with("1 index: by_actor; drift"));
        let due = of(Kind::MaintenanceDue);
        assert_eq!((due.changes, due.others.len()), (2, 2), "{due:?}");
        assert!(due.sentence().starts_with("2 tables and indexes: "), "{}", due.sentence());
        assert_eq!(items.iter().map(|item| item.changes).sum::<usize>(), found.by_class.values().sum::<usize>());
    }

    #[test]
    fn kinds_have_names_of_their_own() {
        let codes: BTreeSet<_> = Kind::ALL.map(Kind::code).into();
        assert_eq!(codes.len(), Kind::ALL.len());
        let plan = all_kinds();
        let found = drift(&plan, &default_fail_on());
        let kinds: BTreeSet<_> = items(&found).iter().map(|item| item.kind).collect();
        assert!(kinds.len() >= 5, "{kinds:?}");
    }

    #[test]
    fn a_sentence_has_count_names_class_and_reason() {
        let plan = busy();
        let found = drift(&plan, &default_fail_on());
        let sentences: Vec<String> = items(&found).iter().map(Item::sentence).collect();
        assert!(
            sentences.iter().any(|sentence| sentence.contains(" partitions: events_p")
                && sentence.contains(" … ")
                && sentence.contains("; scheduled: ")),
            "{sentences:#?}"
        );
    }
}
