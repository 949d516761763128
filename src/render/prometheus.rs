//! Drift for Prometheus: text exposition for the node exporter's textfile collector.
//!
//! Prometheus documentation, "Exposition formats" and "Metric and label naming": base units, a help and a type for each
//! family, and no timestamps, with which the collector skips the whole file. Labels name the database and the policy's
//! tables, never partitions: those come and go for ever.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::outline::all_changes;
use crate::catalog::{RowCount, Target};
use crate::plan::{Action, Block, Class, Gate, HazardKind, Level, PartitionAction, Plan, Step};
use crate::plan::{DefaultRowsOverview, Runway};
use crate::report::drift::{Drift, Verdict};
use crate::report::items::{Kind, items};
use crate::sql::TableName;
use crate::visible::clean;

/// Writes what `drift` found as metrics, ending in a newline.
///
/// `pgstrata_last_success_timestamp_seconds` is left out where something could not be checked: a rule on its age then
/// sees what a check that did not run would leave behind.
///
/// # Errors
/// What `out` refuses.
pub fn drift(drift: &Drift<'_>, out: &mut dyn Write) -> fmt::Result {
    let plan = drift.plan;
    let mut page = Page { out, common: common(&plan.target) };

    page.family(
        "pgstrata_partition_runway_seconds",
        "Time until inserts of the present find no partition, by the partitions attached now.",
    )?;
    for overview in &plan.tables {
        if let Some(Runway::Seconds(seconds)) = overview.runway {
            page.sample("pgstrata_partition_runway_seconds", &[table(&overview.table)], seconds)?;
        }
    }

    let ids = plan.tables.iter().filter_map(|overview| match overview.runway? {
        Runway::Keys { keys } => Some((&overview.table, keys)),
        Runway::Seconds(_) => None,
    });
    let ids: Vec<_> = ids.collect();
    if !ids.is_empty() {
        page.family(
            "pgstrata_partition_runway_keys",
            "Ids from the highest one to the first that no attached partition covers, in tables partitioned by ids.",
        )?;
        for (name, keys) in ids {
            page.sample("pgstrata_partition_runway_keys", &[table(name)], keys)?;
        }
    }

    page.family(
        "pgstrata_default_partition_rows",
        "Rows of the default partition that are in the way of wanted partitions, counted no further than is worth the wait. Absent where they are not known.",
    )?;
    for (name, rows) in rows_in_default(plan) {
        page.sample("pgstrata_default_partition_rows", &[table(name)], rows)?;
    }

    page.family(
        "pgstrata_default_rows",
        "Rows of the default partition: all (by the server's estimate where counting is a scan), past retention, and outside the wanted windows. Absent where they are not known.",
    )?;
    for overview in &plan.tables {
        let Some(DefaultRowsOverview { rows, exact: _, expired, outside, least: _, most: _ }) = &overview.default_rows
        else {
            continue;
        };
        for (kind, count) in [("all", rows), ("expired", expired), ("outside", outside)] {
            if let Some(count) = count {
                page.sample("pgstrata_default_rows", &[table(&overview.table), ("kind", kind.to_owned())], count)?;
            }
        }
    }

    let items = items(drift);
    let tables: Vec<&TableName> = plan.tables.iter().map(|overview| &overview.table).collect();
    page.family(
        "pgstrata_retention_overdue_partitions",
        "Partitions and detached tables whose removal is overdue by the policy.",
    )?;
    for name in &tables {
        let overdue = items
            .iter()
            .filter(|item| item.table == Some(*name) && item.kind.is_retention() && item.class == Class::Overdue);
        let count: usize = overdue.map(|item| item.changes).sum();
        page.sample("pgstrata_retention_overdue_partitions", &[table(name)], count)?;
    }

    page.family("pgstrata_drift_items", "Pending changes of the classes that count as drift (--fail-on), by kind.")?;
    let count = |name: Option<&TableName>, kind: Kind| -> usize {
        let own = items.iter().filter(|item| item.table == name && item.kind == kind);
        own.filter(|item| drift.fail_on.contains(&item.class)).map(|item| item.changes).sum()
    };
    for name in &tables {
        for kind in Kind::ALL.into_iter().filter(|kind| !kind.is_of_no_table()) {
            page.sample("pgstrata_drift_items", &[table(name), ("kind", kind.word())], count(Some(name), kind))?;
        }
    }
    // Of no table: no label, which to Prometheus is an empty one.
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_of_no_table() && kind.is_looked_at(plan)) {
        page.sample("pgstrata_drift_items", &[("kind", kind.word())], count(None, kind))?;
    }

    page.family("pgstrata_blocked_steps", "Pending changes that may not be carried out without a grant or a person.")?;
    let changes = all_changes(plan);
    for name in &tables {
        let blocked =
            changes.iter().filter(|change| change.lead.table.as_ref() == Some(*name) && change.is_blocked()).count();
        page.sample("pgstrata_blocked_steps", &[table(name)], blocked)?;
    }
    if [Kind::LimitDiffers, Kind::SettingToChange].into_iter().any(|kind| kind.is_looked_at(plan)) {
        let blocked = changes.iter().filter(|change| change.lead.table.is_none() && change.is_blocked()).count();
        page.sample("pgstrata_blocked_steps", &[], blocked)?;
    }

    page.family("pgstrata_findings", "What was seen and left alone, by level.")?;
    for (level, word) in [(Level::Note, "note"), (Level::Warning, "warning"), (Level::Error, "error")] {
        let count = plan.findings.iter().filter(|finding| finding.code.level() == level).count();
        page.sample("pgstrata_findings", &[("level", word.to_owned())], count)?;
    }

    page.family(
        "pgstrata_check_status",
        "What a check ended with: 0 the database agrees with its policy, 1 it does not, 2 something could not be checked.",
    )?;
    let (status, judged) = match drift.verdict {
        Verdict::Agrees => (0, true),
        Verdict::Drifted | Verdict::Impossible => (1, true),
        Verdict::Unjudged => (2, false),
    };
    page.sample("pgstrata_check_status", &[("check", "drift".to_owned())], status)?;

    page.family(
        "pgstrata_last_success_timestamp_seconds",
        "The instant of the last check that could check everything, as Unix time.",
    )?;
    if judged {
        page.sample("pgstrata_last_success_timestamp_seconds", &[], plan.evaluated_at.as_second())?;
    }
    Ok(())
}

/// What tells one database from another: host and cluster name, since two clusters on one machine may each have an
/// `app`, and the collector refuses two files with the same series.
fn common(target: &Target) -> Vec<(&'static str, String)> {
    let mut labels = vec![("database", target.database.clone()), ("host", target.host.clone())];
    if let Some(cluster) = target.cluster_name.as_ref().filter(|name| !name.is_empty()) {
        labels.push(("cluster", cluster.clone()));
    }
    labels
}

fn table(name: &TableName) -> (&'static str, String) {
    ("table", name.to_string())
}

/// Rows in the way, for tables with a default partition where each window's count is known.
fn rows_in_default(plan: &Plan) -> BTreeMap<&TableName, u64> {
    let mut counts: BTreeMap<&TableName, Option<u64>> = BTreeMap::new();
    for step in plan.steps.iter().filter(|step| attaches_beside_default(step)) {
        let blocks: &[Block] = match &step.gate {
            Gate::Blocked(blocks) => blocks,
            Gate::Open | Gate::Granted(_) => &[],
        };
        let mut rows = Some(0);
        for block in blocks {
            match block {
                Block::RowsInDefault {
                    rows: Some(RowCount::Exactly(count) | RowCount::AtLeast(count)),
                    because: _,
                } => {
                    rows = rows.map(|rows| count.saturating_add(rows));
                }
                // Where code of others keeps them from being counted, its grant is what blocks.
                Block::RowsInDefault { rows: None, because: _ }
                | Block::Hazard { hazard: HazardKind::RunsOwnersCode, allow: _ } => rows = None,
                Block::Hazard { .. }
                | Block::MaxDrop { .. }
                | Block::MaxCreate { .. }
                | Block::ClockSkew { .. }
                | Block::Unknown { .. }
                | Block::ManagedElsewhere { .. }
                | Block::InTheWay { .. }
                | Block::MissingRight { .. }
                | Block::Busy { .. }
                | Block::Needs { .. } => {}
            }
        }
        let Some(table) = &step.table else { continue };
        let sum = counts.entry(table).or_insert(Some(0));
        *sum = sum.zip(rows).map(|(sum, rows)| sum.saturating_add(rows));
    }
    counts.into_iter().filter_map(|(table, rows)| Some((table, rows?))).collect()
}

fn attaches_beside_default(step: &Step) -> bool {
    match &step.action {
        Action::Partition(PartitionAction::Create(create)) => create.touches.default.is_some(),
        Action::Partition(PartitionAction::Attach(attach)) => attach.touches.default.is_some(),
        Action::Partition(
            PartitionAction::CreateDefault(_)
            | PartitionAction::Finalize(_)
            | PartitionAction::Mark(_)
            | PartitionAction::Detach(_)
            | PartitionAction::Stamp(_)
            | PartitionAction::Drop(_),
        )
        | Action::Index(_)
        | Action::Storage(_)
        | Action::Maintenance(_)
        | Action::Limit(_)
        | Action::Setting(_) => false,
    }
}

/// Metrics under construction.
struct Page<'a> {
    out: &'a mut dyn Write,
    common: Vec<(&'static str, String)>,
}

impl Page<'_> {
    fn family(&mut self, name: &str, help: &str) -> fmt::Result {
        writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} gauge")
    }

    fn sample(&mut self, name: &str, labels: &[(&str, String)], value: impl fmt::Display) -> fmt::Result {
        let all = self.common.iter().chain(labels);
        let labels: Vec<String> = all.map(|(label, value)| format!("{label}=\"{}\"", escape(value))).collect();
        writeln!(self.out, "{name}{{{}}} {value}", labels.join(","))
    }
}

/// A label's value: the format knows three escapes (one of them for line ends, which [`clean`] leaves none of), and takes
/// everything else as it is.
fn escape(value: &str) -> String {
    clean(value).replace('\\', r"\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::catalog::{Answer, Question};
    use crate::grid::{KeyKind, LeafBounds};
    use crate::plan::PlanOptions;
    use crate::render::testing::{EVENTS, World, all_kinds, busy, desired, events, now, overdue, vast};
    use crate::report::drift::{default_fail_on, drift as judge};

    fn text(plan: &Plan) -> String {
        let mut text = String::new();
        drift(&judge(plan, &default_fail_on()), &mut text).unwrap();
        text
    }

    /// Samples by name and labels; panics at what is none.
    fn samples(text: &str) -> BTreeMap<String, f64> {
        let mut samples = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (series, value) = line.rsplit_once("} ").unwrap();
            let value = value.parse::<f64>().unwrap();
            assert!(samples.insert(format!("{series}}}"), value).is_none(), "twice: {line}");
        }
        samples
    }

    #[test]
    fn each_family_has_help_and_type_and_its_samples_follow() {
        for plan in [busy(), all_kinds(), vast(3)] {
            let text = text(&plan);
            assert!(text.ends_with('\n') && !text.contains("\n\n"));
            let mut current = String::new();
            let mut families = BTreeSet::new();
            for line in text.lines() {
                if let Some(help) = line.strip_prefix("# HELP ") {
                    current = help.split(' ').next().unwrap().to_owned();
                    assert!(families.insert(current.clone()), "{current} twice");
                } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                    assert_eq!(kind, format!("{current} gauge"));
                } else {
                    assert!(line.starts_with(&format!("{current}{{")), "{line}");
                    // A timestamp would be one more word.
                    assert_eq!(line.rsplit_once("} ").unwrap().1.split(' ').count(), 1, "{line}");
                }
            }
            assert_eq!(families.len(), 9);
            assert!(!samples(&text).is_empty());
        }
    }

    #[test]
    fn ids_have_a_runway_of_their_own() {
        let policy = "tables: {public.jobs: {partition: {key: id, interval: 1000, premake: 1}}}";
        let mut world = crate::testing::World::with_key("2026-03-14", KeyKind::BigInt, policy);
        world.leaf("public.jobs", "0", "1000");
        let text = text(&world.plan());
        assert!(text.contains("\n# TYPE pgstrata_partition_runway_keys gauge\n"), "{text}");
        let keys = samples(&text).into_iter().filter(|(series, _)| series.contains("runway"));
        let keys: Vec<(String, f64)> = keys.collect();
        assert!(matches!(&keys[..], [(series, 1.0..=1000.0)] if series.contains("runway_keys{")), "{keys:?}");
    }

    #[test]
    fn values_are_those_of_the_plan() {
        let plan = overdue();
        let samples = samples(&text(&plan));
        let at = |name: &str, more: &str| samples[&format!("{name}{{database=\"app\",host=\"db1\"{more}}}")];
        let table = ",table=\"public.events\"";
        let runway = plan.tables[0].runway.unwrap().seconds().unwrap();
        assert_eq!(at("pgstrata_partition_runway_seconds", table) as i64, runway);
        let found = judge(&plan, &default_fail_on());
        let sum: f64 = samples.iter().filter(|(key, _)| key.starts_with("pgstrata_drift_items{")).map(|(_, n)| n).sum();
        assert_eq!(sum as usize, found.counted());
        assert!(at("pgstrata_retention_overdue_partitions", table) > 0.0);
        assert_eq!(at("pgstrata_drift_items", ",table=\"public.events\",kind=\"partition_missing\""), 0.0);
        assert_eq!(at("pgstrata_check_status", ",check=\"drift\""), 1.0);
        assert_eq!(at("pgstrata_last_success_timestamp_seconds", "") as i64, now().as_second());
    }

    #[test]
    fn what_could_not_be_judged_is_no_success() {
        let text = text(&all_kinds());
        let samples = samples(&text);
        assert!(samples.keys().all(|key| !key.starts_with("pgstrata_last_success")));
        assert_eq!(samples["pgstrata_check_status{database=\"app\",host=\"db1\",check=\"drift\"}"], 2.0);
        assert!(text.contains("table=\"\\\"Sales `x`\\\".\\\"Orders|*<b>\\\"\""), "{text}");
        assert!(!text.contains("events_p2"), "no partition is a label");
    }

    #[test]
    fn rows_of_a_default_partition_are_known_or_absent() {
        let rows = |answer: Option<Answer>| {
            let mut world = World::new();
            world.table(&events());
            let name = TableName::new("public", "events_default");
            let leaf = world.leaf(&events(), name, LeafBounds::Default);
            world.days(&events(), "2026-03-01", "2026-03-21");
            let policy = desired(EVENTS);
            let options = PlanOptions::at(now());
            world.plan(&policy, &options);
            let asked: Vec<Question> = crate::plan::questions(&policy, &world.snapshot, &options).into_iter().collect();
            for question in asked {
                if let (Question::DefaultRows { leaf: of, .. }, Some(answer)) = (&question, &answer) {
                    assert_eq!(*of, leaf);
                    world.snapshot.answers.put(question, answer.clone());
                }
            }
            let plan = crate::plan::plan(&policy, &world.snapshot, &options);
            let samples = samples(&text(&plan));
            samples.iter().find(|(key, _)| key.starts_with("pgstrata_default_partition_rows")).map(|(_, rows)| *rows)
        };
        assert_eq!(rows(None), Some(0.0));
        assert_eq!(rows(Some(Answer::Rows(RowCount::Exactly(3)))), Some(3.0));
        assert_eq!(rows(Some(Answer::Unknown("it took too long".to_owned()))), None);
    }
}
