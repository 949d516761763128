//! The story of what is no table and no partition: an index of the policy, the database, a role, a setting of the server.

use std::collections::BTreeSet;

use serde::Serialize;

use super::explain::{StoryStep, grants, story_step};
use crate::catalog::{Answer, LimitFacts, Oid, Question, Snapshot, TableState};
use crate::plan::{Finding, Object, Plan, Step};
use crate::policy::{Desired, Grant, IndexDesired, IndexOn, LimitsDesired, PolicyPath, RoleDesired};
use crate::render::sentences::shell_word;
use crate::sql::{Ident, TableName, index_definition, server_time};

/// Where the policy says something: `pgstrata.yaml:12`; `None` where it is in no file.
pub type Origin<'a> = &'a dyn Fn(&PolicyPath) -> Option<String>;

/// The story of one of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Thing<'a> {
    /// What it is.
    pub object: Object,
    /// The table that it belongs to, if it is an index.
    pub table: Option<TableName>,
    /// What the policy says of it.
    pub policy: Vec<Said>,
    /// What the server has, in sentences.
    pub found: Vec<String>,
    /// What the plan does with it now.
    pub steps: Vec<StoryStep<'a>>,
    /// What was seen of it.
    pub findings: Vec<&'a Finding>,
    /// Grants that would let blocked steps run.
    pub allow: BTreeSet<&'a Grant>,
}

/// One thing that the policy says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Said {
    /// The key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// File and line.
    pub origin: Option<String>,
}

impl Thing<'_> {
    /// The command that does what is due, with the flags that blocked steps need; `None` where nothing is due, or no flag
    /// helps. `given` are more flags, as a shell reads them.
    pub fn command(&self, given: &[String]) -> Option<String> {
        let runs = self.steps.iter().any(|step| step.blocked_because.is_empty());
        if !runs && self.allow.is_empty() {
            return None;
        }
        let mut words = vec!["pgstrata".to_owned(), "apply".to_owned()];
        // What is of no table is planned together with everything.
        words.extend(self.table.iter().flat_map(|table| ["--table".to_owned(), table.to_string()]));
        words.extend(self.allow.iter().flat_map(|grant| ["--allow".to_owned(), grant.to_string()]));
        let mut words: Vec<String> = words.iter().map(|word| shell_word(word)).collect();
        words.extend(given.iter().cloned());
        Some(words.join(" "))
    }
}

/// Everything of that kind that the policy names and the name may mean: `role app_rw`, or `app_rw` alone.
///
/// ```
/// use pgstrata::{catalog::Snapshot, plan::{PlanOptions, plan}, policy::Desired, report::thing::things};
///
/// fn meant(name: &str, desired: &Desired, snapshot: &Snapshot) -> Vec<String> {
///     let plan = plan(desired, snapshot, &PlanOptions::at(snapshot.taken_at));
///     things(name, desired, snapshot, &plan, &|_| None).iter().map(|thing| thing.object.to_string()).collect()
/// }
/// ```
pub fn things<'a>(
    name: &str,
    desired: &Desired,
    snapshot: &Snapshot,
    plan: &'a Plan,
    origin: Origin<'_>,
) -> Vec<Thing<'a>> {
    let mut all = indexes(desired, snapshot, origin);
    all.extend(limits(&desired.limits, snapshot.catalog.limits.as_ref(), origin));
    all.extend(settings(desired, snapshot, origin));
    all.retain(|thing| means(name, &thing.object));
    for thing in &mut all {
        let (object, table) = (&thing.object, &thing.table);
        let about = |step: &&Step| match (table, step.action.wanted_index(), object) {
            (Some(table), Some(wanted), Object::Relation(index)) => {
                step.table.as_ref() == Some(table) && *wanted == index.name
            }
            (_, _, object) => step.action.object() == *object,
        };
        let steps: Vec<&Step> = plan.steps.iter().filter(about).collect();
        thing.allow = grants(plan, &steps);
        thing.steps = steps.into_iter().map(story_step).collect();
        thing.findings = plan.findings.iter().filter(|finding| finding.object.as_ref() == Some(object)).collect();
    }
    all
}

/// Whether a name as it was typed stands for this.
fn means(typed: &str, object: &Object) -> bool {
    let bare = |name: &Ident| Ident::parse(typed).as_ref() == Ok(name);
    typed.parse::<Object>().as_ref() == Ok(object)
        || match object {
            Object::Relation(name) => bare(&name.name),
            Object::Database(name) | Object::Role(name) => bare(name),
            Object::Setting(name) | Object::Service(name) | Object::Pooler(name) => typed == name,
        }
}

fn thing<'a>(object: Object, table: Option<TableName>, policy: Vec<Said>, found: Vec<String>) -> Thing<'a> {
    Thing { object, table, policy, found, steps: Vec::new(), findings: Vec::new(), allow: BTreeSet::new() }
}

fn indexes<'a>(desired: &Desired, snapshot: &Snapshot, origin: Origin<'_>) -> Vec<Thing<'a>> {
    let mut all = Vec::new();
    for (table, policy) in &desired.tables {
        for (name, index) in &policy.indexes {
            let path = PolicyPath::of(["tables"]).key(table.to_string()).key("indexes").key(name.to_string());
            let own = TableName { schema: table.schema.clone(), name: name.clone() };
            let said = Said { key: "index".to_owned(), value: definition(index), origin: origin(&path) };
            let found = match index.on {
                IndexOn::Table => built(snapshot, table, &own),
                IndexOn::Partitions => built_on_each(snapshot, table, index),
            };
            all.push(thing(own.into(), Some(table.clone()), vec![said], vec![found]));
        }
    }
    all
}

fn definition(index: &IndexDesired) -> String {
    let of_each = if index.on.is_table() { "" } else { " on each partition by itself: unique only within each" };
    format!("{}{}{of_each}", if index.unique { "UNIQUE " } else { "" }, index_definition(index))
}

/// On how many partitions there is one.
fn built(snapshot: &Snapshot, table: &TableName, index: &TableName) -> String {
    let Some(TableState::Partitioned(root)) = snapshot.catalog.tables.get(table) else {
        return format!("{table} is no partitioned table");
    };
    let Some((oid, facts)) = root.indexes.iter().find(|(_, facts)| facts.name == *index && facts.table == root.oid)
    else {
        return "there is no index of this name".to_owned();
    };
    let attached = root.indexes.values().filter(|child| child.parent == Some(*oid) && child.valid).count();
    let valid = if facts.valid { "valid" } else { "not valid yet" };
    format!("{valid}, with an index of its own on {attached} of {} partitions", root.leaves.len())
}

/// On how many partitions there is one, whatever it is called.
fn built_on_each(snapshot: &Snapshot, table: &TableName, index: &IndexDesired) -> String {
    let Some(TableState::Partitioned(root)) = snapshot.catalog.tables.get(table) else {
        return format!("{table} is no partitioned table");
    };
    let question = Question::WantedIndex { root: root.oid, definition: index.clone() };
    let Answer::Shape(wanted) = snapshot.answers.get(&question) else { return "not verified".to_owned() };
    let shape = wanted.shape;
    let is_one = |leaf: &Oid| {
        let mut own = root.indexes.values().filter(|facts| facts.table == *leaf && facts.valid && facts.raw.is_none());
        own.any(|facts| facts.shape.is_like(&shape))
    };
    if shape.predicate.is_some() || shape.keys.iter().any(|key| key.what.contains('(')) {
        return "not counted: it has an expression or a predicate".to_owned();
    }
    let there = root.leaves.keys().filter(|leaf| is_one(leaf)).count();
    format!("there is one on {there} of {} partitions", root.leaves.len())
}

fn limits<'a>(wanted: &LimitsDesired, facts: Option<&LimitFacts>, origin: Origin<'_>) -> Vec<Thing<'a>> {
    let path = |keys: [&str; 2]| PolicyPath::of(["limits"]).key(keys[0]).key(keys[1]);
    let mut all = Vec::new();
    if let (Some(limit), Some(facts)) = (wanted.database, facts) {
        let found = vec![
            format!("connection limit {}", limit_words(facts.database.connection_limit)),
            format!("{} sessions now", facts.database.sessions),
            format!("owned by {}", facts.database.owner),
        ];
        let said = said(origin, &path(["database", "connection_limit"]), "connection_limit", limit_words(limit));
        all.push(thing(Object::Database(facts.database.name.clone()), None, vec![said], found));
    }
    for (name, role) in &wanted.roles {
        let path = path(["roles", &name.to_string()]);
        let RoleDesired { connection_limit, timeouts } = role;
        let limit = connection_limit.map(|limit| ("connection_limit".to_owned(), limit_words(limit)));
        let timeouts = timeouts.iter().map(|(name, timeout)| (name.clone(), server_time(timeout.0)));
        let policy = limit.into_iter().chain(timeouts).map(|(key, value)| said(origin, &path.key(&key), &key, value));
        let policy = policy.collect();
        let found = match facts.and_then(|facts| facts.roles.get(name)) {
            Some(found) => {
                let mut words = vec![format!("connection limit {}", limit_words(found.connection_limit))];
                words.extend(found.superuser.then(|| "a superuser: no limit holds".to_owned()));
                words.push(format!("{} sessions now, in all databases", found.sessions));
                let here = found.settings_here.iter().map(|(name, value)| format!("{name} = {value} in this database"));
                let everywhere =
                    found.settings.iter().map(|(name, value)| format!("{name} = {value} in every database"));
                words.extend(here.chain(everywhere));
                words
            }
            None => vec!["there is no such role".to_owned()],
        };
        all.push(thing(Object::Role(name.clone()), None, policy, found));
    }
    all
}

fn settings<'a>(desired: &Desired, snapshot: &Snapshot, origin: Origin<'_>) -> Vec<Thing<'a>> {
    let facts = snapshot.catalog.settings.as_ref();
    let of = |(name, value): (&String, &String)| {
        let policy = vec![said(origin, &PolicyPath::of(["settings"]).key(name), name, value.clone())];
        let found = match facts.and_then(|facts| facts.settings.get(name)) {
            Some(found) => {
                let unit = found.unit.as_deref().map_or_else(String::new, |unit| format!(" × {unit}"));
                let mut words = vec![format!("{}{unit}, from {}", found.value, found.source)];
                words.extend(
                    found.pending_restart.then(|| "the files have another value, for the next restart".to_owned()),
                );
                words
            }
            None => vec!["it was not seen".to_owned()],
        };
        thing(Object::Setting(name.clone()), None, policy, found)
    };
    desired.settings.values.iter().map(of).collect()
}

fn said(origin: Origin<'_>, path: &PolicyPath, key: &str, value: String) -> Said {
    Said { key: key.to_owned(), value, origin: origin(path) }
}

fn limit_words(limit: i32) -> String {
    if limit < 0 { "none".to_owned() } else { limit.to_string() }
}
