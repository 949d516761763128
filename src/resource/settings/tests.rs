//! Settings against facts in memory.

use std::collections::BTreeMap;

use super::value::{canonical, words};
use crate::catalog::{Absent, SettingContext, SettingFacts, SettingKind, SettingsFacts};
use crate::plan::{Code, Gate, GrantSource, Granted, Plan, PlanOptions, verify};
use crate::sql::{Statement, render};
use crate::testing::{World, lines};

const TABLE: &str = "tables: {public.events: {partition: {key: at, interval: 1 day, premake: 1}}}\n";

fn fact(kind: SettingKind, context: SettingContext, unit: Option<&str>, value: &str) -> SettingFacts {
    SettingFacts {
        value: value.to_owned(),
        source: "configuration file".to_owned(),
        place: Some("/etc/postgresql.conf:7".to_owned()),
        configured: Some(value.to_owned()),
        taken: false,
        default: None,
        unit: unit.map(str::to_owned),
        kind,
        context,
        min: None,
        max: None,
        words: Vec::new(),
        pending_restart: false,
        placeholder: false,
        may_alter: true,
    }
}

fn shared_buffers() -> SettingFacts {
    let (min, max) = (Some("16".to_owned()), Some("1073741823".to_owned()));
    SettingFacts { min, max, ..fact(SettingKind::Integer, SettingContext::Postmaster, Some("8kB"), "16384") }
}

fn random_page_cost() -> SettingFacts {
    let (min, max) = (Some("0".to_owned()), Some("1.79769e+308".to_owned()));
    SettingFacts { min, max, ..fact(SettingKind::Real, SettingContext::Session, None, "4") }
}

fn wal_compression() -> SettingFacts {
    let words = ["pglz", "lz4", "on", "off"].map(str::to_owned).into();
    SettingFacts { words, ..fact(SettingKind::Enum, SettingContext::Session, None, "off") }
}

/// A server with four settings, whose files the session may read.
fn world(mode: &str, settings: &str) -> World {
    let apply = format!("apply: {{settings: {mode}}}\n");
    let mut world = World::new("2026-03-14", &format!("{TABLE}{apply}settings: {{{settings}}}\n"));
    world.windows("public.events", "2026-03-14", "2026-03-16");
    world.snapshot.catalog.settings = Some(SettingsFacts {
        settings: BTreeMap::from([
            ("shared_buffers".to_owned(), shared_buffers()),
            ("random_page_cost".to_owned(), random_page_cost()),
            ("wal_compression".to_owned(), wal_compression()),
            ("log_checkpoints".to_owned(), fact(SettingKind::Bool, SettingContext::Sighup, None, "on")),
        ]),
        absent: BTreeMap::new(),
        reads_files: true,
        may_reload: true,
        errors: Vec::new(),
        alter_system_allowed: true,
    });
    world
}

fn facts(world: &mut World) -> &mut SettingsFacts {
    world.snapshot.catalog.settings.as_mut().unwrap()
}

fn setting<'a>(world: &'a mut World, name: &str) -> &'a mut SettingFacts {
    facts(world).settings.get_mut(name).unwrap()
}

fn found(plan: &Plan) -> Vec<(Code, String)> {
    let of = |finding: &crate::plan::Finding| {
        (finding.code, format!("{}: {}", finding.object.as_ref().unwrap(), finding.message))
    };
    plan.findings.iter().map(of).collect()
}

fn hints(plan: &Plan) -> Vec<&str> {
    plan.findings.iter().filter_map(|finding| finding.hint.as_deref()).collect()
}

#[test]
fn what_means_the_same_is_the_same() {
    let cases = [
        ("shared_buffers", shared_buffers(), "128MB", "16384"),
        ("shared_buffers", shared_buffers(), " 131072 kB", "16384"),
        ("shared_buffers", shared_buffers(), "200000B", "24"),
        ("random_page_cost", random_page_cost(), "1.10", "1.1"),
        ("random_page_cost", random_page_cost(), "1234567", "1.23457e+06"),
        ("random_page_cost", random_page_cost(), "0.00001", "1e-05"),
        ("random_page_cost", random_page_cost(), "0", "0"),
        ("random_page_cost", random_page_cost(), "0.1234567", "0.123457"),
        ("wal_compression", wal_compression(), "LZ4", "lz4"),
        ("wal_compression", wal_compression(), "on", "pglz"),
        ("wal_compression", wal_compression(), "false", "off"),
        ("wal_compression", wal_compression(), "yes", "pglz"),
        ("log_checkpoints", fact(SettingKind::Bool, SettingContext::Sighup, None, "on"), "Y", "on"),
        ("log_checkpoints", fact(SettingKind::Bool, SettingContext::Sighup, None, "on"), "of", "off"),
        (
            "search_path",
            fact(SettingKind::String, SettingContext::Session, None, ""),
            "\"$user\",Public",
            "$user, public",
        ),
        ("timezone", fact(SettingKind::String, SettingContext::Session, None, ""), "Utc", "utc"),
        ("random_page_cost", random_page_cost(), "011", "11"),
        ("datestyle", fact(SettingKind::String, SettingContext::Session, None, "ISO, DMY"), "iso,mdy", "iso, mdy"),
        ("datestyle", fact(SettingKind::String, SettingContext::Session, None, "ISO, DMY"), "SQL", "sql, dmy"),
        ("datestyle", fact(SettingKind::String, SettingContext::Session, None, "ISO, YMD"), "german", "german, dmy"),
        ("cluster_name", fact(SettingKind::String, SettingContext::Postmaster, None, ""), "Main", "Main"),
    ];
    for (name, facts, text, meaning) in cases {
        assert_eq!(canonical(name, &facts, text).as_deref(), Ok(meaning), "{name} {text}");
    }
    assert_eq!(words(&shared_buffers(), "131072"), "1GB");
    let cluster = fact(SettingKind::String, SettingContext::Postmaster, None, "");
    assert!(canonical("cluster_name", &cluster, "größe").unwrap_err().contains("printable ASCII only"));
}

#[test]
fn what_no_server_takes_is_refused_with_its_place() {
    let mut world = world(
        "alter_system",
        "shared_buffers: much, random_page_cost: -1, wal_compression: zip, log_checkpoints: o, work_men: 1MB, \
         server_version: '15', config_file: /x",
    );
    setting(&mut world, "log_checkpoints").value = "off".to_owned();
    let internal = fact(SettingKind::String, SettingContext::Internal, None, "15.1");
    facts(&mut world).settings.insert("server_version".to_owned(), internal);
    let directory = fact(SettingKind::String, SettingContext::Postmaster, None, "/y");
    facts(&mut world).settings.insert("config_file".to_owned(), directory);
    facts(&mut world).absent.insert("work_men".to_owned(), Absent::NoSuch(Some("work_mem".to_owned())));
    let plan = world.plan();
    assert!(plan.steps.is_empty(), "{}", lines(&plan));
    let messages: Vec<String> = found(&plan).into_iter().map(|(_, message)| message).collect();
    assert_eq!(
        messages,
        [
            "setting config_file: no configuration sets it",
            "setting log_checkpoints: `o` is neither on nor off",
            "setting random_page_cost: `-1` is below its least value, 0",
            "setting server_version: no configuration sets it",
            "setting shared_buffers: `much` is no size: write a number with B, kB, MB, GB or TB",
            "setting wal_compression: `zip` is none of pglz, lz4, on, off",
            "setting work_men: this server has no such setting; did you mean `work_mem`?",
        ]
    );
    assert!(plan.findings.iter().all(|finding| finding.code == Code::SettingRefused));
    assert_eq!(hints(&plan)[6], "correct `settings.work_men` in the policy");
}

#[test]
fn by_default_a_difference_is_reported() {
    let mut world = world("report", "shared_buffers: 1GB, random_page_cost: 1.1, wal_compression: off");
    setting(&mut world, "random_page_cost").place = None;
    let plan = world.plan();
    assert!(plan.steps.is_empty());
    assert_eq!(
        found(&plan),
        [
            (
                Code::SettingDiffers,
                "setting random_page_cost: it is 4 (configuration file), the policy wants 1.1; that takes a reload".to_owned()
            ),
            (
                Code::SettingDiffers,
                "setting shared_buffers: it is 128MB (configuration file, /etc/postgresql.conf:7), the policy wants 1GB; \
                 that takes a restart"
                    .to_owned()
            ),
        ]
    );
}

#[test]
fn where_the_policy_says_so_it_is_changed_and_a_restart_needs_a_grant() {
    let mut world = world("alter_system", "shared_buffers: 1GB, random_page_cost: 1.1, wal_compression: on");
    let plan = world.plan();
    let ids: Vec<(&str, bool)> = plan.steps.iter().map(|step| (step.id.0.as_str(), step.gate.is_blocked())).collect();
    assert_eq!(
        ids,
        [
            ("set setting random_page_cost", false),
            ("set setting shared_buffers", true),
            ("set setting wal_compression", false)
        ]
    );
    let sql: Vec<String> = render(&plan.steps[0]).iter().filter_map(Statement::sql).map(str::to_owned).collect();
    assert_eq!(sql[2..4], ["ALTER SYSTEM SET random_page_cost = '1.1'", "SELECT pg_reload_conf()"]);
    assert!(!sql.iter().any(|sql| sql == "BEGIN"), "it is refused in a transaction");
    let options = PlanOptions {
        grants: [Granted { grant: "restart-required".parse().unwrap(), source: GrantSource::Flag }].into(),
        ..world.options()
    };
    let plan = world.plan_with(&options);
    assert!(matches!(plan.steps[1].gate, Gate::Granted(_)));
    verify(&plan, &world.desired, &world.snapshot).unwrap();
    for step in &plan.steps {
        step.before.iter().for_each(|fact| fact.judge(&world.snapshot).unwrap());
        step.after.iter().for_each(|fact| assert!(fact.judge(&world.snapshot).is_err(), "{fact}"));
        step.after.iter().for_each(|fact| fact.assume(&mut world.snapshot, options.now));
        step.after.iter().for_each(|fact| fact.judge(&world.snapshot).unwrap());
    }
    let again = world.plan_with(&options);
    assert!(again.steps.is_empty(), "{}", lines(&again));
    assert_eq!(
        found(&again),
        [(
            Code::SettingPendingRestart,
            "setting shared_buffers: it is 128MB until a restart, which brings 1GB as the policy says".to_owned()
        )]
    );
}

#[test]
fn a_standby_needs_as_much_as_its_primary() {
    let mut world = world("alter_system", "max_connections: 200, shared_buffers: 1GB");
    let connections = fact(SettingKind::Integer, SettingContext::Postmaster, None, "100");
    facts(&mut world).settings.insert("max_connections".to_owned(), connections);
    world.snapshot.catalog.has_standbys = true;
    let plan = world.plan();
    let warned: Vec<bool> =
        plan.steps.iter().map(|step| step.hazards[0].detail.ends_with("raise it there first")).collect();
    assert_eq!(warned, [true, false], "{}", lines(&plan));
}

#[test]
fn what_alter_system_would_not_change_is_left_to_a_person() {
    let libraries = fact(SettingKind::String, SettingContext::Postmaster, None, "");
    let mut world =
        world("alter_system", "random_page_cost: 1.1, shared_preload_libraries: auto_explain, log_connections: on");
    facts(&mut world).settings.insert("shared_preload_libraries".to_owned(), libraries);
    let log = fact(SettingKind::Bool, SettingContext::Backend, None, "off");
    facts(&mut world).settings.insert("log_connections".to_owned(), log);
    facts(&mut world).reads_files = false;
    for setting in facts(&mut world).settings.values_mut() {
        setting.configured = None;
    }
    setting(&mut world, "random_page_cost").source = "command line".to_owned();
    let plan = world.plan();
    assert!(plan.steps.is_empty(), "{}", lines(&plan));
    let messages: Vec<String> = found(&plan).into_iter().map(|(_, message)| message).collect();
    assert!(messages[0].contains("begin later") && messages[1].contains("command line"), "{messages:#?}");
    assert!(messages[2].contains("libraries are there cannot be asked"), "{messages:#?}");
    // With the files it could be checked.
    facts(&mut world).reads_files = true;
    setting(&mut world, "log_connections").configured = Some("off".to_owned());
    let plan = world.plan();
    assert_eq!(plan.steps.len(), 1);
    verify(&plan, &world.desired, &world.snapshot).unwrap();
}

#[test]
fn what_the_session_has_for_itself_hides_what_the_server_has() {
    let mut world =
        world("alter_system", "random_page_cost: 1.1, wal_compression: lz4, \"auto_explain.log_format\": json");
    facts(&mut world).absent.insert("auto_explain.log_format".to_owned(), Absent::NotLoaded);
    let hidden = setting(&mut world, "random_page_cost");
    (hidden.source, hidden.configured) = ("database".to_owned(), None);
    facts(&mut world).settings.remove("wal_compression");
    facts(&mut world).absent.insert("wal_compression".to_owned(), Absent::Hidden);
    let plan = world.plan();
    assert!(plan.steps.is_empty() && plan.findings.iter().all(|finding| finding.code == Code::SettingUnknown));
    assert_eq!(
        found(&plan)[1].1,
        "setting random_page_cost: this session has 4 by ALTER DATABASE … SET, which hides what the server has: whether that \
         is 1.1, which the policy wants, is unknown"
    );
    // The files say what the server has.
    setting(&mut world, "random_page_cost").configured = Some("1.10".to_owned());
    assert_eq!(found(&world.plan()).len(), 2);
    setting(&mut world, "random_page_cost").configured = Some("2".to_owned());
    let plan = world.plan();
    assert_eq!(plan.steps[0].note.as_deref(), Some("2 to 1.1"));
    verify(&plan, &world.desired, &world.snapshot).unwrap();
    // Where they say nothing, it has its default.
    let hidden = setting(&mut world, "random_page_cost");
    (hidden.configured, hidden.default) = (None, Some("4".to_owned()));
    let plan = world.plan();
    assert_eq!(plan.steps[0].note.as_deref(), Some("4 to 1.1"));
    verify(&plan, &world.desired, &world.snapshot).unwrap();
    plan.steps[0].before.iter().for_each(|fact| fact.judge(&world.snapshot).unwrap());
    setting(&mut world, "random_page_cost").configured = Some("3".to_owned());
    plan.steps[0].before.iter().for_each(|fact| assert!(fact.judge(&world.snapshot).is_err(), "{fact}"));
    facts(&mut world).reads_files = false;
    setting(&mut world, "random_page_cost").configured = None;
    assert!(
        hints(&world.plan())
            .contains(&"a role that may read pg_file_settings sees it, or a session without ALTER DATABASE … SET")
    );
}

#[test]
fn a_restart_that_brings_something_else_is_said_and_undone() {
    let mut world = world("alter_system", "shared_buffers: 128MB");
    let buffers = setting(&mut world, "shared_buffers");
    (buffers.pending_restart, buffers.configured) = (true, Some("4GB".to_owned()));
    let plan = world.plan();
    assert_eq!(found(&plan)[0].1, "setting shared_buffers: it is as the policy says until a restart, which brings 4GB");
    assert_eq!(plan.steps.len(), 1);
    assert!(plan.steps[0].hazards.is_empty() && !plan.steps[0].gate.is_blocked());
    verify(&plan, &world.desired, &world.snapshot).unwrap();
    // A reload that was not seen yet makes no difference to what a restart reads.
    let buffers = setting(&mut world, "shared_buffers");
    (buffers.pending_restart, buffers.value) = (false, "8192".to_owned());
    buffers.configured = Some("128MB".to_owned());
    let plan = world.plan();
    assert!(plan.steps.is_empty() && found(&plan)[0].0 == Code::SettingPendingRestart, "{}", lines(&plan));
    let buffers = setting(&mut world, "shared_buffers");
    (buffers.pending_restart, buffers.value) = (true, "16384".to_owned());
    // What was taken out of the files is its default again.
    let buffers = setting(&mut world, "shared_buffers");
    (buffers.configured, buffers.default) = (None, Some("1024".to_owned()));
    let plan = world.plan();
    assert_eq!(found(&plan)[0].1, "setting shared_buffers: it is as the policy says until a restart, which brings 8MB");
    // Without the files nothing is guessed.
    facts(&mut world).reads_files = false;
    assert!(world.plan().steps.is_empty());
    world.policy(&format!("{TABLE}apply: {{settings: alter_system}}\nsettings: {{shared_buffers: 1GB}}\n"));
    let plan = world.plan();
    assert!(plan.steps.is_empty() && found(&plan)[0].1.contains("files that this session may not read"));
}

#[test]
fn what_the_server_made_of_the_policys_value_is_met() {
    let mut world = world("alter_system", "random_page_cost: 1.1");
    let cost = setting(&mut world, "random_page_cost");
    (cost.value, cost.configured, cost.taken) = ("1.5".to_owned(), Some("1.10".to_owned()), true);
    let plan = world.plan();
    assert!(plan.steps.is_empty() && plan.findings.is_empty(), "{}", lines(&plan));
    // Written, and not read by the server yet.
    setting(&mut world, "random_page_cost").taken = false;
    let plan = world.plan();
    assert_eq!(plan.steps.len(), 1);
    verify(&plan, &world.desired, &world.snapshot).unwrap();
    let cost = setting(&mut world, "random_page_cost");
    (cost.configured, cost.taken) = (Some("1.1".to_owned()), true);
    plan.steps[0].after.iter().for_each(|fact| fact.judge(&world.snapshot).unwrap());
}

#[test]
fn a_value_that_the_server_chose_is_what_it_was_told_to_choose() {
    for (source, value, is_met) in [
        ("override", "-1", true),
        ("configuration file", "-1", false),
        ("default", "4MB", true),
        ("default", "8MB", false),
    ] {
        let mut world = world("alter_system", &format!("wal_buffers: {value}"));
        let mut buffers = fact(SettingKind::Integer, SettingContext::Postmaster, Some("8kB"), "512");
        (buffers.default, buffers.configured, buffers.source) = (Some("-1".to_owned()), None, source.to_owned());
        facts(&mut world).settings.insert("wal_buffers".to_owned(), buffers);
        assert_eq!(world.plan().steps.is_empty(), is_met, "{source} {value}");
    }
}

#[test]
fn what_waits_and_only_a_person_sets_is_left_to_them() {
    let mut world = world("alter_system", "shared_preload_libraries: auto_explain, data_directory: /x");
    let mut libraries = fact(SettingKind::String, SettingContext::Postmaster, None, "auto_explain");
    (libraries.pending_restart, libraries.configured) = (true, Some("nothing".to_owned()));
    facts(&mut world).settings.insert("shared_preload_libraries".to_owned(), libraries);
    let directory = fact(SettingKind::String, SettingContext::Postmaster, None, "/y");
    facts(&mut world).settings.insert("data_directory".to_owned(), directory);
    let plan = world.plan();
    assert!(plan.steps.is_empty(), "{}", lines(&plan));
    let found = found(&plan);
    assert!(found[0].0 == Code::SettingDiffers && found[0].1.contains("ALTER SYSTEM refuses it"), "{found:#?}");
    assert!(found[1].0 == Code::SettingPendingRestart, "{found:#?}");
    assert!(found[1].1.contains("which brings nothing. It is not changed: whether its libraries"), "{found:#?}");
    verify(&plan, &world.desired, &world.snapshot).unwrap();
}

#[test]
fn connections_that_are_all_reserved_are_refused() {
    for (wanted, is_refused) in [
        ("max_connections: 5", true),
        ("max_connections: 6", false),
        ("max_connections: 5, superuser_reserved_connections: 2", false),
        ("reserved_connections: 97", true),
    ] {
        let mut world = world("alter_system", wanted);
        for (name, value) in
            [("max_connections", "100"), ("superuser_reserved_connections", "3"), ("reserved_connections", "2")]
        {
            let fact = fact(SettingKind::Integer, SettingContext::Postmaster, None, value);
            facts(&mut world).settings.insert(name.to_owned(), fact);
        }
        let plan = world.plan();
        assert_eq!(plan.steps.is_empty(), is_refused, "{wanted}: {}", lines(&plan));
        assert_eq!(plan.findings.iter().any(|found| found.code == Code::SettingRefused), is_refused, "{wanted}");
        let read = super::names(&world.desired.settings);
        assert!(read.contains("superuser_reserved_connections") && read.contains("max_connections"), "{read:?}");
    }
}

#[test]
fn a_restart_that_waited_before_is_not_what_a_step_did() {
    let mut world = world("alter_system", "shared_buffers: 1GB");
    facts(&mut world).reads_files = false;
    setting(&mut world, "shared_buffers").configured = None;
    let options = PlanOptions {
        grants: [Granted { grant: "restart-required".parse().unwrap(), source: GrantSource::Flag }].into(),
        ..world.options()
    };
    let saved = world.plan_with(&options);
    assert_eq!(saved.steps.len(), 1);
    setting(&mut world, "shared_buffers").pending_restart = true;
    for fact in &saved.steps[0].after {
        fact.judge(&world.snapshot).unwrap_err();
    }
}

#[test]
fn without_the_right_it_is_blocked_and_its_sql_named() {
    let mut world = world("alter_system", "random_page_cost: 1.1");
    setting(&mut world, "random_page_cost").may_alter = false;
    let plan = world.plan();
    assert!(plan.steps[0].gate.is_blocked());
    assert_eq!(
        hints(&plan),
        ["have an administrator run: ALTER SYSTEM SET random_page_cost = '1.1'; SELECT pg_reload_conf()"]
    );
    facts(&mut world).alter_system_allowed = false;
    assert_eq!(hints(&world.plan()), ["set it where the server's configuration is kept: random_page_cost = '1.1'"]);
    let line = fact(SettingKind::String, SettingContext::Sighup, None, "");
    facts(&mut world).settings.insert("log_line_prefix".to_owned(), line);
    world.policy(&format!("{TABLE}apply: {{settings: alter_system}}\nsettings: {{log_line_prefix: \"it's \\\\ \"}}\n"));
    assert_eq!(
        hints(&world.plan()),
        ["set it where the server's configuration is kept: log_line_prefix = 'it''s \\\\ '"]
    );
    world.policy(&format!("{TABLE}apply: {{settings: alter_system}}\nsettings: {{random_page_cost: 1.1}}\n"));
    facts(&mut world).alter_system_allowed = true;
    facts(&mut world).may_reload = false;
    setting(&mut world, "random_page_cost").may_alter = true;
    assert!(found(&world.plan())[0].1.contains("pg_reload_conf()"));
}

fn world_of_paths() -> World {
    let mut world = world("alter_system", "search_path: a");
    let path = fact(SettingKind::String, SettingContext::Session, None, "b");
    facts(&mut world).settings.insert("search_path".to_owned(), path);
    world
}

#[test]
fn a_forged_step_breaks_a_rule() {
    let mut world = world("alter_system", "shared_buffers: 1GB, random_page_cost: 1.1");
    let honest = world.plan();
    verify(&honest, &world.desired, &world.snapshot).unwrap();
    let document = serde_json::to_string(&honest).unwrap();
    for (text, by) in [
        ("\"to\":\"1.1\"", "\"to\":\"9\""),
        ("\"to\":\"1GB\"", "\"to\":\"1TB\""),
        ("\"restart\":true", "\"restart\":false"),
        ("\"value\":\"1.1\",\"seen\":\"in_force\"", "\"value\":\"1.1\",\"seen\":\"at_restart\""),
    ] {
        assert!(document.contains(text), "{text}: {document}");
        let plan: Plan = serde_json::from_str(&document.replace(text, by)).unwrap();
        verify(&plan, &world.desired, &world.snapshot).unwrap_err();
    }
    let mut empty = world_of_paths();
    let plan = empty.plan();
    verify(&plan, &empty.desired, &empty.snapshot).unwrap();
    empty.policy(&format!("{TABLE}apply: {{settings: alter_system}}\nsettings: {{search_path: ''}}\n"));
    let mut forged = plan.clone();
    let text = serde_json::to_string(&plan).unwrap().replace("\"to\":\"a\"", "\"to\":\"\"");
    forged.steps = serde_json::from_str::<Plan>(&text).unwrap().steps;
    verify(&forged, &empty.desired, &empty.snapshot).unwrap_err();
    let mut hidden = honest.clone();
    hidden.steps[1].hazards.clear();
    hidden.steps[1].gate = Gate::Open;
    verify(&hidden, &world.desired, &world.snapshot).unwrap_err();
    setting(&mut world, "random_page_cost").source = "command line".to_owned();
    verify(&honest, &world.desired, &world.snapshot).unwrap_err();
}

#[test]
fn a_plan_of_some_tables_says_nothing_of_settings() {
    let mut world = world("alter_system", "random_page_cost: 1.1");
    let options = PlanOptions { tables_only: true, ..world.options() };
    assert!(world.plan_with(&options).steps.is_empty());
    world.snapshot.catalog.settings = None;
    assert_eq!(world.plan().findings[0].code, Code::NotInSnapshot);
}
