//! Timelines, analyses and stories over a database in memory, as people see them.

use super::{analyses, story, timelines};
use crate::catalog::Oid;
use crate::plan::Plan;
use crate::render::json;
use crate::render::style::{Style, columns};
use crate::report::analyze::{self, Limit, analysis_questions};
use crate::report::explain::{Origins, explain, story_questions};
use crate::report::timeline::{self, timeline_questions};
use crate::sql::TableName;
use crate::testing::World;

const POLICY: &str = "tables:
  audit.log:
    partition: {key: at, interval: 1 month, premake: 2, timezone: Europe/Berlin, default_partition: allow}
    retention: {keep: 6 months, then: drop, grace: 30 days}
  app.ids:
    partition: {key: id, interval: 1 month, premake: 1}
holds: {matter-4711: {tables: [audit.log], from: 2025-11-01, to: 2025-11-15, reason: discovery}}
";

/// Everything that a line can show, in Berlin's winter.
fn world() -> World {
    let mut world = World::new("2026-03-14 07:00", POLICY);
    world.leaf("audit.log", "MINVALUE", "2019-12-31 23:00");
    world.windows("audit.log", "2025-06-01", "2026-01-01");
    world.leaf("audit.log", "2025-12-31 23:00", "2026-01-15 10:00");
    world.leaf("audit.log", "2026-01-15 10:00", "2026-02-28 23:00");
    world.windows("audit.log", "2026-03-01", "2026-04-01");
    let detached = world.retired("audit.log", "2025-04-30 22:00", "2025-05-31 22:00", Some("2026-03-01 03:04"));
    world.bytes.insert(detached, 7 << 30);
    world.default_partition("audit.log");
    let leaves: Vec<Oid> = world.root("audit.log").leaves.keys().copied().collect();
    for (at, oid) in leaves.into_iter().enumerate() {
        world.bytes.insert(oid, (at as u64 * at as u64) << 28);
        world.leaf_mut(oid).rows_estimate = (at % 4 != 3).then_some(at as u64 * 70_000);
    }
    world.leaf("app.ids", "2026-03-01", "2026-06-01");
    world
}

fn plan(world: &mut World) -> Plan {
    let plan = world.plan();
    let options = world.options();
    world.ask_also(&timeline_questions(&world.desired, &world.snapshot, &options, true));
    world.ask_also(&analysis_questions(&world.desired, &world.snapshot, &options));
    plan
}

fn list(style: Style) -> String {
    let mut world = world();
    let plan = plan(&mut world);
    let all = timeline::timelines(&world.desired, &world.snapshot, &world.options());
    let mut text = String::new();
    timelines(&plan, &all, false, style, &mut text).unwrap();
    text
}

fn told(world: &mut World, name: &str, style: Style) -> String {
    let plan = plan(world);
    let options = world.options();
    world.ask_also(&story_questions(name, &world.desired, &world.snapshot, &options));
    let origins = |_: &TableName| Origins::from([(("partition", "interval"), "pgstrata.yaml:3".to_owned())]);
    let found = explain(name, &world.desired, &world.snapshot, &options, &plan, &origins).unwrap();
    let document: serde_json::Value = serde_json::from_str(&json::story(&plan, &found, &[])).unwrap();
    assert_eq!((&document["format_version"], document["name"].is_string()), (&"1.0".into(), true));
    let mut text = String::new();
    story(&plan, &found, &["-p".to_owned(), "policies".to_owned()], style, &mut text).unwrap();
    text
}

#[test]
fn partitions_in_time() {
    insta::assert_snapshot!(list(Style::PLAIN));
}

#[test]
fn partitions_in_a_narrow_terminal() {
    let narrow = list(Style { width: Some(80), ..Style::PLAIN });
    insta::assert_snapshot!(narrow);
    for line in narrow.lines() {
        assert!(columns(line) <= 80, "{line}");
    }
}

#[test]
fn a_wide_terminal_has_the_picture_and_colours_change_no_word() {
    let words = |text: &str| -> Vec<String> {
        text.split_whitespace()
            .filter(|word| !word.contains(['█', '▏', '▎', '▍', '▌', '▋', '▊', '▉']))
            .map(str::to_owned)
            .collect()
    };
    let plain = list(Style::PLAIN);
    for width in [60, 80, 120, 200] {
        assert_eq!(words(&list(Style { width: Some(width), ..Style::PLAIN })), words(&plain), "{width}");
    }
    assert!(list(Style { width: Some(120), ..Style::PLAIN }).contains('█'));
    let coloured = list(Style { colour: true, ..Style::PLAIN });
    assert!(coloured.contains("\x1b[32m") && !plain.contains('\x1b'));
    let ascii = list(Style { unicode: false, ..Style::PLAIN });
    assert!(ascii.is_ascii() && ascii.contains("####"), "{ascii}");
}

#[test]
fn an_analysis() {
    let mut world = world();
    let plan = plan(&mut world);
    let found = analyze::analyses(&world.desired, &world.snapshot, &world.options(), Limit::of(Some(20 << 30)));
    let mut text = String::new();
    analyses(&plan, &found, Style::PLAIN, &mut text).unwrap();
    insta::assert_snapshot!(text);
    let document: serde_json::Value = serde_json::from_str(&json::analyses(&plan, &found)).unwrap();
    assert_eq!(document["tables"][1]["interval"]["verdict"], "fits");
    assert_eq!(document["tables"][1]["policy"], plan.tables[1].policy);
}

#[test]
fn a_table_s_story() {
    insta::assert_snapshot!(told(&mut world(), "log", Style { width: Some(100), ..Style::PLAIN }));
}

#[test]
fn stories_of_partitions() {
    let mut world = world();
    let mut all = String::new();
    for name in [
        "audit.log_20250531220000",
        "log_20251031230000",
        "log_202601151000",
        "log_202512312300",
        "log_20260228230000",
        "log_minvalue",
        "log_default",
        "log_202504302200",
        "log_p20260401",
        "ids_20260301",
    ] {
        let text = told(&mut world, name, Style::PLAIN);
        all.push_str(text.split_once("\n\n").unwrap().1);
        all.push('\n');
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_name_that_means_nothing_or_too_much() {
    let mut world = world();
    let plan = plan(&mut world);
    let say = |name: &str| {
        let options = world.options();
        let found = explain(name, &world.desired, &world.snapshot, &options, &plan, &|_| Origins::new());
        let error = found.unwrap_err();
        format!("{error}; {}", error.hint())
    };
    assert_eq!(say("log_p2026040"), "nothing under policy is called log_p2026040; did you mean audit.log_p20260401?");
    assert_eq!(say("audit.lag"), "nothing under policy is called audit.lag; did you mean audit.log?");
    assert!(say("a.b.c").ends_with("shows every partition"));
    assert!(say("").ends_with("shows every partition"));
    let mut twice = World::new("2026-03-14", &POLICY.replace("app.ids", "app.log"));
    twice.leaf("audit.log", "2026-01-01", "2026-02-01");
    let plan = twice.plan();
    let found = explain("log", &twice.desired, &twice.snapshot, &twice.options(), &plan, &|_| Origins::new());
    let error = found.unwrap_err();
    assert_eq!(format!("{error}; {}", error.hint()), "log is ambiguous; give the schema: app.log, audit.log");
}
