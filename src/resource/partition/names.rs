//! What a new partition is called: the template's name, and others where that is taken.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::create::suffixed;
use crate::catalog::{Answer, Question};
use crate::grid::{Bound, KeyValue, NameTemplate};
use crate::plan::{Code, Finding};
use crate::sql::{Ident, TableName};

/// Names tried for one partition beyond those that are known to be taken: the template's, then `_2`, `_3` … behind it.
const TRIES: usize = 4;
/// Where counting ends.
const HIGHEST: u32 = 9_999;

/// The names of a table's new partitions. Bridges between two grids may begin in one window and then have one name by the
/// template: each gets a number of its own, whatever partitions that were made before have already.
pub(super) struct Names<'a> {
    context: &'a Context<'a>,
    template: NameTemplate,
    /// Of partitions, detached ones included.
    known: BTreeSet<&'a TableName>,
    /// How many of the new ones share a name.
    alike: BTreeMap<String, usize>,
}

impl<'a> Names<'a> {
    /// For partitions with these bounds.
    pub(super) fn of(context: &'a Context<'a>, wanted: impl Iterator<Item = (KeyValue, Bound)>) -> Self {
        let leaves = context.root.leaves.values().map(|leaf| &leaf.name);
        let retired = context.snapshot.catalog.retired.values().map(|retired| &retired.name);
        let mut names = Self {
            context,
            template: template(context),
            known: leaves.chain(retired).collect(),
            alike: BTreeMap::new(),
        };
        for (from, to) in wanted {
            *names.alike.entry(names.render(from, to)).or_insert(0) += 1;
        }
        names
    }

    fn render(&self, from: KeyValue, to: Bound) -> String {
        rendered(self.context, &self.template, from, to)
    }

    /// The template's name first, taken or not; then others that are not known to be taken, cut so that the number
    /// survives.
    pub(super) fn candidates(&self, from: KeyValue, to: Bound) -> Vec<TableName> {
        let first = self.render(from, to);
        let schema = self.context.new_schema();
        let name = |name: Ident| TableName { schema: schema.clone(), name };
        let others = (2..=HIGHEST).map(|n| name(suffixed(&first, &format!("_{n}"))));
        let free = |name: &TableName| {
            let question = Question::NameTaken { name: name.clone() };
            !self.known.contains(name) && self.context.snapshot.answers.get(&question) != Answer::Taken(true)
        };
        let alike = self.alike.get(&first).map_or(0, |count| count.saturating_sub(1));
        let others: Vec<TableName> = others.filter(free).take(TRIES - 1 + alike).collect();
        std::iter::once(name(Ident::new(first))).chain(others).collect()
    }
}

fn template(context: &Context<'_>) -> NameTemplate {
    context.table.name.clone().unwrap_or_else(|| NameTemplate::default_for(context.grid.width()))
}

fn rendered(context: &Context<'_>, template: &NameTemplate, from: KeyValue, to: Bound) -> String {
    // Without an upper end: called after the last key that it takes.
    let to = to.value().or_else(|| context.grid.end()?.last).unwrap_or(from);
    template.render(context.name.name.as_str(), from, to, context.grid)
}

/// What the template calls a partition with these bounds.
pub(super) fn by_template(context: &Context<'_>, from: KeyValue, to: Bound) -> TableName {
    let name = rendered(context, &template(context), from, to);
    TableName { schema: context.new_schema().clone(), name: Ident::new(name) }
}

/// The first of these names that is free, and findings where that is not simply the first.
pub(super) fn free_name(
    context: &Context<'_>,
    wanted: &[TableName],
    used: &mut BTreeSet<TableName>,
    what: &str,
    findings: &mut Vec<Finding>,
) -> Option<TableName> {
    let first = wanted.first()?;
    let question = |name: &TableName| Question::NameTaken { name: name.clone() };
    let answer = |name: &TableName| context.snapshot.answers.get(&question(name));
    let asked = |name: &TableName| context.snapshot.answers.has(&question(name));
    // Of a name that came up only because every one asked for is taken nothing is known.
    let passed_over =
        |name: &TableName| used.contains(name) || answer(name) == Answer::Taken(true) || (asked(first) && !asked(name));
    let Some(name) = wanted.iter().find(|name| !passed_over(name)).cloned() else {
        let message = format!("no partition {what}: {first} and every name like it that was asked for are taken");
        findings.push(context.finding(Code::NoNameLeft, Some(first), message));
        return None;
    };
    if name != *first {
        let message = format!("its name is taken: the partition {what} is called {name}");
        findings.push(context.finding(Code::NameTaken, Some(first), message));
    }
    // The step looks again before it creates: a name that is taken after all stops it, and harms nothing.
    if !asked(&name) {
        let message = "whether this name is taken was not asked when the snapshot was taken".to_owned();
        findings.push(context.finding(Code::NameUnchecked, Some(&name), message));
    } else if let Answer::Unknown(because) = answer(&name) {
        let message = format!("whether this name is taken is unknown: {because}");
        findings.push(context.finding(Code::Unknown, Some(&name), message));
    }
    used.insert(name.clone());
    Some(name)
}
