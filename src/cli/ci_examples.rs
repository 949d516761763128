//! `examples/ci`: every file is well-formed, and every command in it is one of ours.

use std::collections::BTreeMap;

use clap::Parser as _;
use serde_yaml::Value;

use super::args::Cli;
use super::env;

const YAML: [(&str, &str); 3] = [
    ("github-actions.yml", include_str!("../../examples/ci/github-actions.yml")),
    ("gitlab-ci.yml", include_str!("../../examples/ci/gitlab-ci.yml")),
    ("kubernetes-cronjob.yaml", include_str!("../../examples/ci/kubernetes-cronjob.yaml")),
];
const CRONTAB: &str = include_str!("../../examples/ci/crontab");
const SERVICE: &str = include_str!("../../examples/ci/pgstrata-drift.service");
const TIMER: &str = include_str!("../../examples/ci/pgstrata-drift.timer");

/// Command lines in any string of a document, and lists that are one.
fn commands(value: &Value, found: &mut Vec<Vec<String>>) {
    match value {
        Value::String(text) => found.extend(text.lines().filter_map(words)),
        Value::Sequence(items) if items.first().and_then(Value::as_str) == Some("pgstrata") => {
            found.push(items.iter().map(|item| item.as_str().unwrap().to_owned()).collect());
        }
        Value::Sequence(items) => items.iter().for_each(|item| commands(item, found)),
        // A name such as `name: pgstrata` is no command.
        Value::Mapping(map) => {
            map.iter().filter(|(key, _)| key.as_str() != Some("name")).for_each(|(_, value)| commands(value, found));
        }
        Value::Tagged(tagged) => commands(&tagged.value, found),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The words of a line that runs pgstrata, up to where the shell takes over.
fn words(line: &str) -> Option<Vec<String>> {
    let (_, rest) = line.trim().split_at_checked("pgstrata ".len()).filter(|(name, _)| *name == "pgstrata ")?;
    let own = |word: &&str| !word.starts_with(['>', '|', '#', '&', ';']);
    Some(std::iter::once("pgstrata").chain(rest.split_whitespace().take_while(own)).map(str::to_owned).collect())
}

/// The command's name, once our own parser took it.
fn parsed(file: &str, command: &[String]) -> String {
    Cli::try_parse_from(command).unwrap_or_else(|error| panic!("{file}: {command:?}: {error}"));
    command[1].clone()
}

#[test]
fn commands_of_yaml_files_are_commands_of_ours() {
    let mut by_file = BTreeMap::new();
    for (file, text) in YAML {
        let document: Value = serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut found = Vec::new();
        commands(&document, &mut found);
        let names: Vec<String> = found.iter().map(|command| parsed(file, command)).collect();
        by_file.insert(file, names);
    }
    let expected = BTreeMap::from([
        ("github-actions.yml", ["validate", "plan", "plan", "apply", "drift"].map(str::to_owned).to_vec()),
        ("gitlab-ci.yml", ["validate", "plan", "plan", "apply", "drift"].map(str::to_owned).to_vec()),
        ("kubernetes-cronjob.yaml", vec!["apply".to_owned()]),
    ]);
    assert_eq!(by_file, expected);
}

#[test]
fn the_crontab_has_schedules_and_commands_of_ours() {
    let mut names = Vec::new();
    for line in CRONTAB.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if fields[0].contains('=') {
            continue;
        }
        let ranges = [0..=59, 0..=23, 1..=31, 1..=12, 0..=7];
        for (field, range) in fields.iter().zip(ranges) {
            assert!(*field == "*" || field.parse().is_ok_and(|number: u32| range.contains(&number)), "{line}");
        }
        // cron takes an unescaped percent sign for the end of the line.
        assert!(!line.contains('%'), "{line}");
        let command = words(&fields[5..].join(" ")).unwrap_or_else(|| panic!("no command of ours: {line}"));
        names.push(parsed("crontab", &command));
    }
    assert_eq!(names, ["apply", "drift"]);
}

#[test]
fn the_units_have_their_sections_and_a_command_of_ours() {
    let value = |unit: &str, key: &str| {
        let lines = unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect::<Vec<_>>();
        assert_eq!(lines.len(), 1, "{key}");
        lines[0].to_owned()
    };
    for (unit, sections) in [(SERVICE, vec!["[Unit]", "[Service]"]), (TIMER, vec!["[Unit]", "[Timer]", "[Install]"])] {
        let found: Vec<&str> = unit.lines().filter(|line| line.starts_with('[')).collect();
        assert_eq!(found, sections);
        let odd = |line: &&str| !(line.is_empty() || line.starts_with(['[', '#']) || line.contains('='));
        assert_eq!(unit.lines().find(odd), None);
    }
    assert_eq!(value(SERVICE, "Type"), "oneshot");
    let command = value(SERVICE, "ExecStart");
    assert_eq!(parsed("service", &words(command.strip_prefix("/usr/local/bin/").unwrap()).unwrap()), "drift");
    assert!(!value(TIMER, "OnCalendar").is_empty());
}

/// A variable that stands in for no flag would silently do nothing.
#[test]
fn variables_stand_in_for_flags() {
    use clap::CommandFactory as _;
    let command = Cli::command();
    let flags = command.get_subcommands().flat_map(clap::Command::get_arguments).filter_map(clap::Arg::get_long);
    let known: Vec<String> = flags.filter_map(env::variable).collect();
    // The image of a container, and the secret that becomes PGSTRATA_URL.
    let own = ["PGSTRATA_IMAGE", "PGSTRATA_APPLY_URL"];
    let mut seen = 0;
    for text in YAML.map(|(_, text)| text).into_iter().chain([CRONTAB, SERVICE, TIMER]) {
        for rest in text.split("PGSTRATA_").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
            let name = format!("PGSTRATA_{name}");
            assert!(known.contains(&name) || own.contains(&name.as_str()), "{name}");
            seen += 1;
        }
    }
    assert!(seen > 5);
}
