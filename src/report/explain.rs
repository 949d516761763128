//! The story of one table or partition: why it is kept, what holds it, what happens to it when, and what a plan of now
//! would do with it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::find::{Found, NotFound, anything};
use super::timeline::timelines;
use crate::catalog::{Question, Snapshot, TableState};
use crate::grid::{Bound, KeyValue, NameTemplate};
use crate::plan::{Action, Block, Class, Finding, Gate, PartitionAction, Plan, PlanOptions, Step, StepId};
use crate::policy::{
    DefaultPartition, DefaultRows, Desired, Grant, Keep, OwnName, Premake, Straddling, TableDesired, Then, Width,
};
use crate::render::sentences::shell_word;
use crate::resource::partition::{Entry, Event, Timeline};
use crate::sql::TableName;

/// Where the policy sets something: `pgstrata.yaml:12`, by section and key, such as `retention` and `keep`.
pub type Origins = BTreeMap<(&'static str, &'static str), String>;

/// The keys of a table's policy that a story tells of, by section.
pub const SETTINGS: [(&str, &str); 18] = [
    ("partition", "key"),
    ("partition", "interval"),
    ("partition", "timezone"),
    ("partition", "anchor"),
    ("partition", "encoding"),
    ("partition", "premake"),
    ("partition", "start"),
    ("partition", "name"),
    ("partition", "schema"),
    ("partition", "unlogged"),
    ("partition", "checks"),
    ("partition", "triggers"),
    ("partition", "default_partition"),
    ("partition", "default_rows"),
    ("retention", "keep"),
    ("retention", "then"),
    ("retention", "grace"),
    ("retention", "straddling"),
];

/// The story of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Story<'a> {
    /// What the name means.
    pub found: Found,
    /// Its table in time; `None` where the table cannot be judged.
    pub timeline: Option<Timeline>,
    /// Its own stretch of that, if it is a partition.
    pub entry: Option<Entry>,
    /// The table's policy, if the story is the table's.
    pub settings: Vec<Setting>,
    /// What will be due, soonest first.
    pub events: Vec<Event>,
    /// What the plan does with it now.
    pub steps: Vec<StoryStep<'a>>,
    /// What was seen of it.
    pub findings: Vec<&'a Finding>,
    /// Grants that would let blocked steps run.
    pub allow: BTreeSet<&'a Grant>,
    /// Whether it is told as of an instant that the server's clock has not reached.
    pub ahead: bool,
}

/// One key of a table's policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The section of the table's policy.
    pub section: &'static str,
    /// The key.
    pub key: &'static str,
    /// What it means here.
    pub value: String,
    /// File and line; `None` is a default.
    pub origin: Option<String>,
}

/// One step about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoryStep<'a> {
    /// The step's id in the plan.
    pub id: &'a StepId,
    /// Why now.
    pub class: Class,
    /// Why at all.
    pub reason: &'a str,
    /// Why it may not run.
    pub blocked_because: Vec<String>,
    /// The step itself.
    #[serde(skip)]
    pub step: &'a Step,
}

/// What to ask for a story beyond what planning asks: the newest partition with rows, and the partition's size.
pub fn story_questions(
    name: &str,
    desired: &Desired,
    snapshot: &Snapshot,
    options: &PlanOptions,
) -> BTreeSet<Question> {
    let mut questions = BTreeSet::new();
    // Nothing is asked about what is not there; a plan may still make it.
    let Ok(found) = anything(name, desired, snapshot, options, None) else { return questions };
    if let Some(TableState::Partitioned(root)) = snapshot.catalog.tables.get(found.table()) {
        questions.insert(Question::NewestNonEmpty { root: root.oid });
    }
    match found {
        Found::Partition { oid, .. } => {
            questions.insert(Question::Bytes { relation: oid });
        }
        Found::Table(_) | Found::Planned { .. } => {}
    }
    questions
}

/// Tells the story of a name. `plan` was made from the same policy, snapshot and options.
///
/// ```
/// use pgstrata::{catalog::Snapshot, plan::{PlanOptions, plan}, policy::Desired, report::explain::{Origins, explain}};
///
/// fn what_holds(name: &str, desired: &Desired, snapshot: &Snapshot) -> Vec<String> {
///     let options = PlanOptions::at(snapshot.taken_at);
///     let plan = plan(desired, snapshot, &options);
///     let story = explain(name, desired, snapshot, &options, &plan, &|_| Origins::new());
///     story.ok().and_then(|story| story.entry).map_or_else(Vec::new, |entry| entry.held_by)
/// }
/// ```
///
/// # Errors
/// Nothing under policy has the name, or several things have it.
pub fn explain<'a>(
    name: &str,
    desired: &Desired,
    snapshot: &Snapshot,
    options: &PlanOptions,
    plan: &'a Plan,
    origins: &dyn Fn(&TableName) -> Origins,
) -> Result<Story<'a>, NotFound> {
    let found = anything(name, desired, snapshot, options, Some(plan))?;
    let table = found.table().clone();
    let only = PlanOptions { include: BTreeSet::from([table.clone()]), ..options.clone() };
    let timeline = timelines(desired, snapshot, &only).pop();
    let own = found.name();
    let about = |partition: &TableName| *found.name() == table || partition == own;
    let steps: Vec<&Step> = plan
        .steps
        .iter()
        .filter(|step| step.table.as_ref() == Some(&table) && step.action.partition().is_some_and(about))
        .collect();
    let findings = plan.findings.iter().filter(|finding| {
        finding.table.as_ref() == Some(&table)
            && match (&found, &finding.object) {
                (Found::Table(_), _) => true,
                (Found::Partition { .. } | Found::Planned { .. }, Some(object)) => object.is(own),
                // What keeps the whole table from being judged concerns each partition.
                (Found::Partition { .. } | Found::Planned { .. }, None) => true,
            }
    });
    let entry = timeline
        .as_ref()
        .and_then(|timeline| timeline.partitions.iter().find(|entry| entry.name.as_ref() == Some(own)).cloned());
    let events = timeline.as_ref().map_or_else(Vec::new, |timeline| match &found {
        Found::Table(_) => timeline.events.clone(),
        Found::Partition { .. } | Found::Planned { .. } => entry.as_ref().map_or_else(Vec::new, Entry::events),
    });
    let settings = match (&found, desired.tables.get(&table)) {
        (Found::Table(_), Some(policy)) => settings(policy, timeline.as_ref(), &origins(&table)),
        (Found::Table(_) | Found::Partition { .. } | Found::Planned { .. }, _) => Vec::new(),
    };
    let allow = grants(plan, &steps);
    let ahead = plan.evaluated_at > snapshot.taken_at;
    let findings = findings.collect();
    let steps = steps.into_iter().map(story_step);
    Ok(Story { steps: steps.collect(), found, timeline, entry, settings, events, findings, allow, ahead })
}

pub(super) fn story_step(step: &Step) -> StoryStep<'_> {
    StoryStep {
        id: &step.id,
        class: step.class,
        reason: &step.reason,
        blocked_because: blocks(step).iter().map(ToString::to_string).collect(),
        step,
    }
}

fn blocks(step: &Step) -> &[Block] {
    match &step.gate {
        Gate::Blocked(blocks) => blocks,
        Gate::Open | Gate::Granted(_) => &[],
    }
}

/// The grants that these steps need, and those that they wait for.
pub(super) fn grants<'a>(plan: &'a Plan, steps: &[&'a Step]) -> BTreeSet<&'a Grant> {
    let by_id: BTreeMap<&StepId, &Step> = plan.steps.iter().map(|step| (&step.id, step)).collect();
    let mut grants = BTreeSet::new();
    let mut seen: BTreeSet<&StepId> = BTreeSet::new();
    let mut open: Vec<&Step> = steps.to_vec();
    while let Some(step) = open.pop() {
        if !seen.insert(&step.id) {
            continue;
        }
        for block in blocks(step) {
            match block {
                Block::Hazard { allow, hazard: _ } | Block::MaxDrop { allow, windows: _ } => {
                    grants.insert(allow);
                }
                Block::Needs { step } => open.extend(by_id.get(step)),
                Block::MaxCreate { .. }
                | Block::RowsInDefault { .. }
                | Block::ClockSkew { .. }
                | Block::Unknown { .. }
                | Block::ManagedElsewhere { .. }
                | Block::InTheWay { .. }
                | Block::MissingRight { .. }
                | Block::Busy { .. } => {}
            }
        }
    }
    grants
}

impl Story<'_> {
    /// The command that does what is due, with the flags that blocked steps need; `None` where nothing is due, or no flag
    /// helps, or the story is of a time to come: run now, it would do something else. `given` are more flags, as a shell reads them.
    pub fn command(&self, given: &[String]) -> Option<String> {
        let runs = self.steps.iter().any(|step| step.blocked_because.is_empty());
        if self.ahead || (!runs && self.allow.is_empty()) {
            return None;
        }
        let mut command = format!("pgstrata apply --table {}", shell_word(&self.found.table().to_string()));
        for grant in &self.allow {
            command.push_str(&format!(" --allow {}", shell_word(&grant.to_string())));
        }
        for word in given {
            command.push_str(&format!(" {word}"));
        }
        Some(command)
    }

    /// The range that a planned partition will have.
    pub fn planned_range(&self) -> Option<(KeyValue, Bound)> {
        self.steps.iter().find_map(|step| match &step.step.action {
            Action::Partition(PartitionAction::Create(create)) => Some((create.from, create.to)),
            Action::Partition(
                PartitionAction::CreateDefault(_)
                | PartitionAction::Finalize(_)
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
        })
    }
}

/// The policy of a table, key by key, those left out that say nothing here.
fn settings(table: &TableDesired, timeline: Option<&Timeline>, origins: &Origins) -> Vec<Setting> {
    SETTINGS
        .into_iter()
        .filter_map(|(section, key)| {
            let origin = origins.get(&(section, key)).cloned();
            Some(Setting { section, key, value: value(table, timeline, key)?, origin })
        })
        .collect()
}

fn names(names: &[OwnName]) -> Option<String> {
    let names: Vec<&str> = names.iter().map(|name| name.0.as_str()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn value(table: &TableDesired, timeline: Option<&Timeline>, key: &str) -> Option<String> {
    let TableDesired {
        key: column,
        width,
        timezone,
        anchor,
        encoding,
        premake,
        start,
        name,
        new_partitions,
        default_partition,
        default_rows,
        retention,
        storage_parameters: _,
        inherit_privileges: _,
        indexes: _,
        other_indexes: _,
        maintenance: _,
    } = table;
    let tells_time = timeline.is_none_or(|timeline| timeline.grid.tells_time());
    match key {
        "key" => Some(column.to_string()),
        "interval" => Some(width.to_string()),
        "timezone" if tells_time => Some(timezone.as_ref().map_or_else(|| "UTC".to_owned(), ToString::to_string)),
        "anchor" => anchor.map(|anchor| anchor.to_string()),
        "encoding" => encoding.map(|encoding| encoding.as_str().to_owned()),
        "premake" => Some(match premake {
            Premake::Windows(1) => "1 partition ahead".to_owned(),
            Premake::Windows(count) => format!("{count} partitions ahead"),
            Premake::Span(span) => format!("{span} ahead"),
        }),
        "start" => start.map(|start| start.to_string()),
        "name" => Some(name.clone().unwrap_or_else(|| NameTemplate::default_for(*width)).to_string()),
        "unlogged" => new_partitions.unlogged.map(|unlogged| unlogged.to_string()),
        "checks" => names(&new_partitions.checks),
        "triggers" => names(&new_partitions.triggers),
        "schema" => new_partitions.schema.as_ref().map(ToString::to_string),
        "default_partition" => Some(match default_partition {
            DefaultPartition::None => "none".to_owned(),
            DefaultPartition::Allow => "allow".to_owned(),
            DefaultPartition::Require => "require".to_owned(),
        }),
        "default_rows" => match default_rows {
            DefaultRows::Report => None,
            DefaultRows::Ignore => Some("ignore".to_owned()),
        },
        "keep" => Some(match retention.map(|retention| retention.keep) {
            None => "everything".to_owned(),
            Some(Keep::Span(span)) => span.to_string(),
            Some(Keep::Keys(keys)) => Width::Keys(keys).to_string(),
        }),
        "then" => retention.map(|retention| match retention.then {
            Then::Detach => "detach".to_owned(),
            Then::Drop => "drop".to_owned(),
        }),
        "grace" => {
            retention.filter(|retention| retention.then == Then::Drop).map(|retention| retention.grace.to_string())
        }
        "straddling" => retention.map(|retention| match retention.straddling {
            Straddling::Keep => "keep".to_owned(),
            Straddling::Remove => "remove".to_owned(),
        }),
        _ => None,
    }
}
