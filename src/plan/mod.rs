//! From policy and catalog to a plan: pure, so the same policy, snapshot and clock give the same bytes.

mod acting;
mod action;
mod conversion;
mod document;
mod fact;
mod finding;
mod forgotten;
mod gate;
mod gating;
mod hazard;
mod keys;
mod lane;
mod object;
mod planner;
mod privilege;
mod questions;
mod slots;
mod step;
mod trust;
mod unread;
mod verify;
mod world;

pub use action::{
    Action, AlterIndex, AlterPartition, Alteration, AnalyzeParent, AttachIndex, AttachPartition, BuildIndex, BuildMode,
    CopiedCheck, CopiedTrigger, CreateDefault, CreateIndex, CreatePartition, DetachMode, DetachPartition, DiscardIndex,
    DropPartition, IndexAction, Kept, Leaving, LimitAction, LimitDatabase, LimitRole, LooseIndex, MaintenanceAction,
    Making, OwnIndex, PartitionAction, ReindexIndex, Relation, Retiring, RoleSetting, SetRole, SetSetting,
    SettingAction, StorageAction, SwapIndex, Touches, VacuumPartition, Verb,
};
pub use conversion::conversion_steps;
pub use document::{DefaultRowsOverview, PLAN_FORMAT, Plan, Runway, Summary, TableOverview};
pub use fact::{Fact, Seen, Stamp};
pub use finding::{Code, Finding, Level, Unmet};
pub(crate) use forgotten::HOLD_SAYS;
pub use gate::{Block, Gate, GrantSource, Granted};
pub use hazard::{Gating, HazardKind, UnknownHazard};
pub use object::Object;
pub use planner::{Overrides, PlanOptions, Scope, plan};
pub(crate) use planner::{judged, plan_in};
pub(crate) use privilege::missing_privileges;
pub use questions::{questions, snapshot_questions};
pub use step::{Class, Hazard, ObjectRef, Stake, Step, StepId, Timeouts, Unit};
pub(crate) use trust::detaches_plainly;
pub use verify::{Violation, verify};
pub(crate) use world::World;
