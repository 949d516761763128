//! How an action stands in a document: one flat list of kinds, so that a kind that is not known is named, with those that
//! are. (Trying one resource after the other would only say that none fits.)

use serde::Deserialize;

use super::{
    AlterIndex, AlterPartition, AnalyzeParent, AttachIndex, AttachPartition, BuildIndex, CreateDefault, CreateIndex,
    CreatePartition, DetachPartition, DiscardIndex, DropPartition, IndexAction, Leaving, LimitAction, LimitDatabase,
    LimitRole, LooseIndex, MaintenanceAction, PartitionAction, ReindexIndex, Retiring, SetRole, SetSetting,
    SettingAction, StorageAction, SwapIndex, VacuumPartition,
};

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Action {
    CreatePartition(CreatePartition),
    CreateDefault(CreateDefault),
    FinalizeDetach(Leaving),
    MarkPartition(Retiring),
    DetachPartition(DetachPartition),
    StampPartition(Retiring),
    AttachPartition(AttachPartition),
    DropPartition(DropPartition),
    CreateIndex(CreateIndex),
    BuildIndex(BuildIndex),
    AttachIndex(AttachIndex),
    ValidateIndex(AttachIndex),
    AlterIndex(AlterIndex),
    RebuildIndex(LooseIndex),
    DropIndex(LooseIndex),
    DiscardIndex(DiscardIndex),
    SwapIndex(SwapIndex),
    AlterPartition(AlterPartition),
    AnalyzeParent(AnalyzeParent),
    VacuumPartition(VacuumPartition),
    ReindexIndex(ReindexIndex),
    LimitDatabase(LimitDatabase),
    LimitRole(LimitRole),
    SetRole(SetRole),
    SetSetting(SetSetting),
}

impl From<Action> for super::Action {
    fn from(action: Action) -> Self {
        match action {
            Action::CreatePartition(it) => Self::Partition(PartitionAction::Create(it)),
            Action::CreateDefault(it) => Self::Partition(PartitionAction::CreateDefault(it)),
            Action::FinalizeDetach(it) => Self::Partition(PartitionAction::Finalize(it)),
            Action::MarkPartition(it) => Self::Partition(PartitionAction::Mark(it)),
            Action::DetachPartition(it) => Self::Partition(PartitionAction::Detach(it)),
            Action::StampPartition(it) => Self::Partition(PartitionAction::Stamp(it)),
            Action::AttachPartition(it) => Self::Partition(PartitionAction::Attach(it)),
            Action::DropPartition(it) => Self::Partition(PartitionAction::Drop(it)),
            Action::CreateIndex(it) => Self::Index(IndexAction::Create(it)),
            Action::BuildIndex(it) => Self::Index(IndexAction::Build(it)),
            Action::AttachIndex(it) => Self::Index(IndexAction::Attach(it)),
            Action::ValidateIndex(it) => Self::Index(IndexAction::Validate(it)),
            Action::AlterIndex(it) => Self::Index(IndexAction::Alter(it)),
            Action::RebuildIndex(it) => Self::Index(IndexAction::Rebuild(it)),
            Action::DropIndex(it) => Self::Index(IndexAction::Drop(it)),
            Action::DiscardIndex(it) => Self::Index(IndexAction::Discard(it)),
            Action::SwapIndex(it) => Self::Index(IndexAction::Swap(it)),
            Action::AlterPartition(it) => Self::Storage(StorageAction::Alter(it)),
            Action::AnalyzeParent(it) => Self::Maintenance(MaintenanceAction::AnalyzeParent(it)),
            Action::VacuumPartition(it) => Self::Maintenance(MaintenanceAction::Vacuum(it)),
            Action::ReindexIndex(it) => Self::Maintenance(MaintenanceAction::Reindex(it)),
            Action::LimitDatabase(it) => Self::Limit(LimitAction::Database(it)),
            Action::LimitRole(it) => Self::Limit(LimitAction::Role(it)),
            Action::SetRole(it) => Self::Limit(LimitAction::Set(it)),
            Action::SetSetting(it) => Self::Setting(SettingAction::Set(it)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Action;

    /// Index and maintenance steps as they stand in a document; `render::testing::all_kinds` has those on partitions.
    fn documents() -> Vec<Value> {
        let events = json!({"name": "public.events", "oid": 1});
        let january = json!({"name": "public.events_1", "oid": 2});
        let index = json!({"name": "public.events_1_idx", "oid": 3});
        let definition = json!({"method": "btree", "columns": ["at"], "include": [], "unique": false,
            "nulls_not_distinct": false, "predicate": null, "with": {}, "tablespace": null});
        let loose = |kind| json!({"kind": kind, "partition": january, "owner": "o", "index": index, "wanted": "i"});
        vec![
            loose("rebuild_index"),
            loose("drop_index"),
            json!({"kind": "attach_index", "root": events, "owner": "o", "to": index["name"], "partition": january["name"],
                "index": index["name"], "wanted": "i"}),
            json!({"kind": "swap_index", "root": events, "owner": "o", "old": index, "new": index["name"], "wanted": "i"}),
            json!({"kind": "swap_index", "root": events, "owner": "o", "old": index, "new": index["name"], "wanted": "i",
                "keeps": [{"of": "comment", "index": index["name"], "text": "why"},
                    {"of": "statistics_target", "index": index["name"], "column": 1, "target": 500}]}),
            json!({"kind": "discard_index", "root": events, "owner": "o", "index": index, "wanted": "i"}),
            json!({"kind": "validate_index", "root": events, "owner": "o", "to": index["name"], "partition": january["name"],
                "index": index["name"], "wanted": "i"}),
            json!({"kind": "alter_index", "partition": january, "owner": "o", "index": index, "wanted": "i",
                "set": {"fillfactor": "70"}, "reset": ["deduplicate_items"]}),
            json!({"kind": "create_index", "root": events, "owner": "o", "index": index["name"], "wanted": "i",
                "definition": definition}),
            json!({"kind": "build_index", "partition": january["name"], "oid": 2, "owner": "o", "index": index["name"],
                "wanted": "i", "definition": definition, "mode": {"plainly": "it is small"}}),
            json!({"kind": "alter_partition", "root": events, "partition": january, "owner": "o", "alterations": [
                {"of": "owner", "from": "o", "to": "p"},
                {"of": "parameter", "name": "toast.autovacuum_enabled", "from": null, "to": "false"},
                {"of": "statistics_target", "column": "body", "from": 100, "to": 500},
                {"of": "compression", "column": "body", "from": null, "to": "lz4"},
                {"of": "storage", "column": "body", "from": "extended", "to": "external"},
                {"of": "replica_identity", "from": "default", "to": {"index": "events_1_idx"}},
                {"of": "policy", "policy": {"name": "own", "permissive": true, "command": "ALL", "roles": [null],
                    "using": "true", "check": null, "reads": ["public.tenants"]}},
                {"of": "row_security"}, {"of": "force_row_security"},
                {"of": "grant", "item": {"grantee": null, "column": "body", "grantable": false, "privileges": ["SELECT"]}}]}),
            json!({"kind": "vacuum_partition", "partition": january, "from": "2026-01-01", "to": "2026-02-01", "role": "o"}),
            json!({"kind": "analyze_parent", "root": events, "role": "o", "only": true}),
            json!({"kind": "reindex_index", "partition": january, "role": "o", "index": index}),
        ]
    }

    #[test]
    fn what_is_written_is_what_was_read() {
        for document in documents() {
            let action: Action =
                serde_json::from_value(document.clone()).unwrap_or_else(|error| panic!("{document}: {error}"));
            assert_eq!(serde_json::to_value(&action).unwrap(), document);
        }
    }

    #[test]
    fn a_kind_that_is_not_known_is_named_with_those_that_are() {
        let error = serde_json::from_str::<Action>(r#"{"kind": "move_partition"}"#).unwrap_err().to_string();
        for part in ["`move_partition`", "`create_partition`", "`swap_index`", "`reindex_index`"] {
            assert!(error.contains(part), "{error}");
        }
    }
}
