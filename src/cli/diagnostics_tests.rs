#![allow(clippy::disallowed_methods, reason = "a deadline is measured")]

use super::*;
use pgstrata::policy;
use proptest::prelude::*;

const TABLE: &str = "tables:\n  audit.log:\n    partition: {key: at, interval: 1 month}\n";

fn read(sources: &[Source], env: Option<&str>) -> Result<policy::Desired, String> {
    let vars = |name: &str| (name == "PGDATABASE").then(|| "app".to_owned());
    let shown = |errors: Vec<PolicyError>| report(&errors, sources, false, 100);
    let (policy, places) = policy::load(sources, env, &vars).map_err(shown)?;
    policy.resolve().map_err(|errors| shown(places.locate(errors)))
}

fn refused(files: &[(&str, &str)], env: Option<&str>) -> String {
    let sources: Vec<Source> = files.iter().map(|(name, text)| Source::new(*name, *text)).collect();
    read(&sources, env).expect_err(files[0].1)
}

/// Every case is one file unless it says otherwise; all must be refused.
#[test]
fn bad_policies_are_explained() {
    let table = |rest: &str| format!("version: 1\ntables:\n  audit.log:\n{rest}");
    let kept = |keep: &str| {
        table(&format!("    partition: {{key: at, interval: 1 month}}\n    retention:\n      keep: {keep}\n"))
    };
    let partition = |rest: &str| table(&format!("    partition:\n      key: at\n      interval: 1 month\n{rest}"));
    let with = |rest: &str| format!("version: 1\n{TABLE}{rest}");
    let cases: Vec<(&str, String)> = vec![
        ("no version", TABLE.to_owned()),
        ("unknown version", format!("version: 2\n{TABLE}")),
        ("empty file", "# nothing\n".to_owned()),
        ("a list", "- version: 1\n".to_owned()),
        ("no tables", "version: 1\n".to_owned()),
        (
            "duplicate table",
            table(
                "    partition: {key: at, interval: 1 day}\n  Audit.LOG:\n    partition: {key: at, interval: 1 day}\n",
            ),
        ),
        ("duplicate key", partition("      key: other\n")),
        ("unknown key", table("    partition: {key: at, interval: 1 month}\n    retension: {keep: 1 year}\n")),
        ("two unknown keys", with("aply: {jobs: 1}\nmonitoring: {slow: 1s}\n")),
        ("key one level too high", table("    partition: {key: at, interval: 1 month}\n    keep: 1 year\n")),
        ("keep in m", kept("3m")),
        ("keep as a count", kept("12")),
        ("keep zero", kept("0 days")),
        ("keep misspelt", kept("7 yeras")),
        ("retention shorter than the interval", kept("7 days")),
        ("keep missing", table("    partition: {key: at, interval: 1 month}\n    retention: {then: drop}\n")),
        (
            "id keep on a calendar",
            table("    partition: {key: id, interval: 1000000}\n    retention: {keep: 1 year}\n"),
        ),
        ("id keep shorter", table("    partition: {key: id, interval: 1000000}\n    retention: {keep: 1000}\n")),
        ("tab", "version: 1\ntables:\n\taudit.log: {}\n".to_owned()),
        ("unquoted template", partition("      name: {table}_p{start:%Y%m%d}\n")),
        ("template as map", partition("      name: {table}\n")),
        ("unquoted reference in a flow map", with("connection: {url: ${DATABASE_URL}}\n")),
        ("unknown alias", with("settings:\n  search_path: *.b\n")),
        ("unclosed quote", with("settings:\n  work_mem: \"4MB\n")),
        ("merge key", "version: 1\nx: &x {key: at}\ntables:\n  audit.log:\n    partition:\n      <<: *x\n".to_owned()),
        ("map as key", with("settings:\n  {a: b}: 1\n")),
        ("tag", with("settings:\n  jit: !!bool off\n")),
        ("two documents", with("---\nversion: 1\n")),
        ("template constant", partition("      name: \"{table}_x\"\n")),
        ("template not injective", partition("      name: \"{table}_p{start:%Y}\"\n")),
        (
            "template of ids without a separator",
            "version: 1\ntables:\n  a.ids:\n    partition: {key: id, interval: 1000, name: \"{table}{start}\"}\n"
                .to_owned(),
        ),
        ("zone misspelt", partition("      timezone: Europe/Berln\n")),
        ("anchor", partition("      anchor: 2000-01-31\n")),
        ("start with an offset", partition("      start: 2026-01-01T00:00:00+02:00\n")),
        ("premake zero", partition("      premake: 0\n")),
        ("premake in m", partition("      premake: 3m\n")),
        ("enum", partition("      default_partition: requires\n")),
        ("no schema", "version: 1\ntables:\n  log:\n    partition: {key: at, interval: 1 day}\n".to_owned()),
        ("no partition", table("    retention: {keep: 1 year}\n")),
        ("no key and no interval", table("    partition: {premake: 3}\n")),
        ("column", table("    partition: {key: created-at, interval: 1 day}\n")),
        ("interval as adverb", table("    partition: {key: at, interval: monthly}\n")),
        (
            "storage parameter",
            table("    partition: {key: at, interval: 1 day}\n    storage_parameters: {filfactor: 90}\n"),
        ),
        (
            "storage parameter of nobody",
            table("    partition: {key: at, interval: 1 day}\n    storage_parameters: {compress: 5}\n"),
        ),
        ("index without columns", table("    partition: {key: at, interval: 1 day}\n    indexes: {i: {using: gin}}\n")),
        ("hold backwards", with("holds:\n  m: {tables: [audit.log], from: 2024-04-01, to: 2024-03-01, reason: x}\n")),
        ("hold of another table", with("holds:\n  m: {tables: [audit.logs], reason: x}\n")),
        ("hold of nothing", with("holds:\n  m: {tables: [], reason: x}\n")),
        ("hold without reason", with("holds:\n  m: {tables: [audit.log]}\n")),
        ("grant", with("apply: {allow: [delete-data]}\n")),
        ("grant elsewhere", with("apply: {allow: [\"deletes-data:audit.lob\"]}\n")),
        ("timeouts", with("apply:\n  lock_timeout: 200\n  statement_timeout: 5m\n  concurrent_timeout: 0s\n")),
        ("numbers", with("apply: {jobs: two}\n")),
        ("negative number", with("apply: {jobs: -1}\n")),
        ("max_create", with("apply: {max_create: 0}\n")),
        (
            "sizes and shares",
            with("monitoring: {max_partition_size: 50gb, max_pool_usage: 0.8, unused_index_after: 30d}\n"),
        ),
        (
            "pool",
            with("client: {pool: {max_connections: 2, min_connections: 3, idle_timeout: 1min, max_lifetime: 60s}}\n"),
        ),
        (
            "client",
            with(
                "client:\n  pool: {max_connections: 20, lifetime_jitter: 1, leak_warning: 5m}\n  cache: {max_size: 1MB, max_entry_size: 4MB, min_hit_ratio: 90}\n",
            ),
        ),
        (
            "services of a role",
            with(
                "client: {pool: {max_connections: 20}}\nlimits:\n  roles:\n    api: {connection_limit: 60}\n    jobs: {connection_limit: 10}\n  services:\n    shop: {role: api, instances: 4}\n    nightly: {role: jobs, instances: 1, max_connections: 8}\n    hourly: {role: jobs, instances: 3, max_connections: 1}\n",
            ),
        ),
        ("unset reference", with("connection: {expect: {database: \"${PGNOPE}\"}}\n")),
        ("no environment named", with("environments: {production: {}, staging: {}}\n")),
    ];
    let mut out = String::new();
    for (title, text) in &cases {
        out.push_str(&format!("=== {title}\n{}\n", refused(&[("pgstrata.yaml", text)], None)));
    }
    insta::assert_snapshot!("bad_policies", out);
}

/// What YAML takes for something else than people mean by it.
#[test]
fn traps_of_yaml_are_explained() {
    let index = |rest: &str| format!("version: 1\n{TABLE}    indexes:\n      log_idx:\n{rest}");
    let partition = |line: &str| format!("version: 1\ntables:\n  audit.log:\n    partition:\n{line}");
    let with = |rest: &str| format!("version: 1\n{TABLE}{rest}");
    let flow = |rest: &str| format!("version: 1\ntables:\n  audit.log:\n    partition: {{{rest}}}\n");
    let cases: Vec<(&str, String)> = vec![
        ("a comma in an expression", index("        columns: [coalesce(a, lower(b)) desc, at]\n")),
        ("commas and double quotes in an expression", index("        columns: [at, f(\"A\", 'b')]\n")),
        ("an unclosed parenthesis", index("        columns: [lower(email]\n")),
        ("a stray parenthesis", index("        columns: [at, lower email)]\n")),
        ("a predicate that is a comment", index("        columns: [at]\n        where: (note = ' # ' and\n")),
        ("a predicate that begins with a quote", index("        columns: [at]\n        where: 'failed' = status\n")),
        ("a predicate with a colon", index("        columns: [at]\n        where: note like '%: x' and b\n")),
        ("a predicate with a comma", with("    indexes:\n      i: {columns: [at], where: a in (1, 2)}\n")),
        ("a predicate with quotes", with("    indexes:\n      i: {columns: [at], where: a in ('b', 'c')}\n")),
        ("a template that begins with %", partition("      key: at\n      interval: 1 month\n      name: %Y_log\n")),
        ("a template in a flow map", flow("key: at, interval: 1 month, name: log_p{start:%Y%m%d}")),
        ("a reference in a flow list", with("holds:\n  m: {tables: [audit.log], reason: ${MATTER}}\n")),
        ("an at sign", flow("key: @at, interval: 1 month")),
        ("a star", with("holds:\n  m: {tables: [*.log], reason: x}\n")),
        ("PostgreSQL's quotes as YAML's", "version: 1\ntables:\n  \"Audit\".\"Log\": {}\n".to_owned()),
        ("no blank after a colon", partition("      key:at\n      interval: 1 month\n")),
        ("no blank after a colon in a flow map", flow("key:at, interval: 1 month")),
        ("a colon in a text", with("holds:\n  m:\n    reason: matter 4711: discovery\n")),
        ("a colon in a flow map", with("holds:\n  m: {reason: matter: 4711}\n")),
        ("a colon in a list", with("apply: {allow: [deletes-data: audit.log]}\n")),
        ("an odd indentation", partition("      key: at\n     interval: 1 month\n")),
        ("too little indentation", "version: 1\ntables:\n  audit.log:\n  partition:\n    key: at\n".to_owned()),
        ("a tab after blanks", with("    retention:\n    \tkeep: 1 year\n")),
        ("an unclosed brace", with("    indexes: {i: {columns: [at]}\n    retention: {keep: 1 year}\n")),
        ("a list for a map", "version: 1\ntables:\n  - audit.log:\n      partition: {key: at}\n".to_owned()),
        ("a text for a list", with("holds:\n  m: {tables: audit.log, reason: x}\n")),
        ("environments in a list", with("environments: [production, staging]\n")),
        ("yes", with("    maintenance: {freeze_closed: yes}\n")),
        ("off", with("    indexes: {i: {columns: [at], unique: off}}\n")),
        ("a quoted version", format!("version: \"1\"\n{TABLE}")),
    ];
    let mut out = String::new();
    for (title, text) in &cases {
        let shown = refused(&[("pgstrata.yaml", text)], None);
        assert!(shown.contains("help: ") || title.ends_with("parenthesis"), "{title}: {shown}");
        out.push_str(&format!("=== {title}\n{shown}\n"));
    }
    insta::assert_snapshot!("yaml_traps", out);
    // YAML 1.2 has neither `no` nor `on`, and what needs no quotes in it needs none here.
    for text in [
        flow("key: no, interval: 1 month"),
        partition("      key: at\n      interval: 1 month\n      name: log_p{start:%Y%m%d}\n"),
        with("connection:\n  url: ${DATABASE_URL}\n"),
        index(
            "        columns:\n          - (details->>'a, b')\n          - coalesce(a, b) desc\n        where: status = 'failed'\n",
        ),
        index("        columns: [\"coalesce(a, b) desc\", at]\n        where: note ~ '^\\('\n"),
    ] {
        read(&[Source::new("p.yaml", text.as_str())], None).unwrap_or_else(|error| panic!("{text}\n{error}"));
    }
}

/// Neither black nor white nor bright: each of these is gone on one background or the other.
#[test]
fn colours_show_on_light_and_dark() {
    let sources = [Source::new("p.yaml", "version: 1\naply: {jobs: 1}\nholds: {a: {}, a: {}}\n")];
    let errors = policy::load(&sources, None, &|_| None).unwrap_err();
    let text = report(&errors, &sources, true, 80);
    let codes: Vec<&str> = text.split("\x1b[").skip(1).map(|piece| piece.split_once('m').unwrap().0).collect();
    assert!(codes.len() > 4, "{text}");
    for code in codes {
        let fine = |one: &str| ["0", "1", "2", "4", "22", "24", "31", "33", "35", "36", "39"].contains(&one);
        assert!(code.split(';').all(fine), "{code} in {text}");
    }
}

#[test]
fn bad_overlays_are_explained() {
    let base = format!("version: 1\n{TABLE}apply: {{allow: [deletes-data]}}\nholds:\n  m: {{reason: x}}\n");
    let env = |rest: &str| format!("{base}environments:\n  production:\n{rest}");
    let holds = "version: 1\nholds:\n  m: {reason: y}\n";
    let cases = [
        ("the same hold in two files", holds),
        ("a section in two files", "version: 1\napply: {jobs: 1}\n"),
        ("a table in two files", "version: 1\ntables:\n  Audit.LOG:\n    retention: {keep: 1 year}\n"),
        ("an error in the second file", "version: 1\nholds: {n: {reason: y, from: 2024-02-30}}\n"),
        ("the second file lacks a version", "holds: {n: {reason: y}}\n"),
    ];
    let mut out = String::new();
    for (title, second) in cases {
        out.push_str(&format!("=== {title}\n{}\n", refused(&[("a.yaml", &base), ("b.yaml", second)], None)));
    }
    for (title, rest, name) in [
        ("unknown environment", "    {}\n", "prodution"),
        ("a hold removed", "    holds: {m: null}\n", "production"),
        ("all holds removed", "    holds: null\n", "production"),
        ("a hold changed", "    holds: {m: {reason: z}}\n", "production"),
        ("grants removed", "    apply: {allow: null}\n", "production"),
        ("all of apply removed", "    apply: null\n", "production"),
        ("version", "    version: 1\n", "production"),
        ("an error in an overlay", "    tables:\n      audit.log: {retention: {keep: 1 day}}\n", "production"),
        ("an unknown key in an overlay", "    tables:\n      AUDIT.log: {retain: {keep: 1 day}}\n", "production"),
    ] {
        out.push_str(&format!("=== {title}\n{}\n", refused(&[("pgstrata.yaml", &env(rest))], Some(name))));
    }
    insta::assert_snapshot!("bad_overlays", out);
}

#[test]
fn what_is_not_utf8_is_refused_with_its_place() {
    let source = Source::new("p.yaml", b"version: 1\n# caf\xe9\n".as_slice());
    let shown = read(&[source], None).unwrap_err();
    assert!(shown.contains("byte 16 is not UTF-8"), "{shown}");
    assert!(shown.contains("p.yaml:2:6"), "{shown}");
}

#[test]
fn a_policy_that_is_an_attack_fails_fast() {
    let mut laughs = "version: 1\na: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (name, of) in ["b", "c", "d", "e", "f", "g", "h", "i"].iter().zip(["a", "b", "c", "d", "e", "f", "g", "h"]) {
        let list = vec![format!("*{of}"); 10].join(",");
        laughs.push_str(&format!("{name}: &{name} [{list}]\n"));
    }
    let mebibyte = 1 << 20;
    for (text, message) in [
        ("[".repeat(mebibyte), "nested deeper than 32 levels"),
        ("{a: ".repeat(mebibyte / 4), "nested deeper than 32 levels"),
        (format!("version: 1\nx: {}\n", "[".repeat(100)), "nested deeper than 32 levels"),
        ("- ".repeat(mebibyte / 2), "nested deeper than 32 levels"),
        (format!("version: 1\nx: {}", "a".repeat(mebibyte)), "a policy has at most 1048576"),
        (laughs, "with its aliases written out the file has more than 200000 values"),
        ("version: 1\na: &a [*a]\n".to_owned(), "the alias is inside what it stands for"),
    ] {
        let start = std::time::Instant::now();
        let shown = read(&[Source::new("p.yaml", text.as_str())], None).unwrap_err();
        assert!(shown.contains(message), "{message}: {}", &shown[..shown.len().min(500)]);
        assert!(shown.len() < 4_000, "a report is an excerpt, not the file");
        assert!(start.elapsed().as_secs_f64() < 1.0, "{message} took {:?}", start.elapsed());
    }
}

#[test]
fn warnings_point_at_what_they_are_about() {
    let text =
        "version: 1\ntables:\n  a.b:\n    partition:\n      key: at\n      interval: 1 hour\n      premake: 24\n";
    let sources = [Source::new("p.yaml", text)];
    let (policy, places) = policy::load(&sources, None, &|_| None).unwrap();
    let warnings = policy::warnings(&policy.resolve().unwrap());
    let warnings: Vec<_> = warnings
        .into_iter()
        .map(|warning| (places.value(&warning.path), warning))
        .map(|(place, one)| (one, place))
        .collect();
    let shown = warning_report(&warnings, &sources, false, 100);
    assert!(shown.contains("p.yaml:7:16") && shown.contains("for the next 24 hours only"), "{shown}");
}

#[test]
fn line_ends_and_byte_order_marks_move_no_caret() {
    for text in ["version: 1\r\naply: 1\r\n", "\u{feff}version: 1\naply: 1\n"] {
        let shown = refused(&[("p.yaml", text)], None);
        assert!(shown.contains("p.yaml:2:1") && shown.contains("did you mean `apply`?"), "{shown}");
    }
    let shown = refused(&[("p.yaml", "version: 1\n# x\u{2028}holds: 3\n")], None);
    assert!(shown.contains("U+2028 is a line break to some"), "{shown}");
}

#[test]
fn a_large_policy_is_read_and_a_large_mistake_is_cut_short() {
    let mut text = "version: 1\ntables:\n".to_owned();
    for at in 0..2_000 {
        text.push_str(&format!("  s.table_{at}:\n    partition: {{key: at, interval: 1 day, timezone: UTC, premake: 7}}\n    retention: {{keep: 90 days}}\n"));
    }
    assert_eq!(read(&[Source::new("p.yaml", text.as_str())], None).unwrap().tables.len(), 2_000);
    let text = text.replace("keep", "kepe");
    let shown = read(&[Source::new("p.yaml", text.as_str())], None).unwrap_err();
    assert!(shown.ends_with("and 1975 more\n"), "{}", &shown[shown.len() - 500..]);
}

proptest! {
    /// Whatever a policy is turned into: an answer, no panic, and every place is in the file.
    #[test]
    fn a_mangled_policy_is_answered(edits in prop::collection::vec((0..2_000_usize, 0..30_usize, "[ -~\n\t€{}:&*-]{0,6}"), 1..6)) {
        let mut text = include_str!("../../policies/audit-log.yaml").to_owned();
        for (at, cut, put) in edits {
            let start = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
            let end = (start..=(start + cut).min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
            text.replace_range(start..end, &put);
        }
        let sources = [Source::new("p.yaml", text.as_str())];
        let errors = match policy::load(&sources, Some("staging"), &|_| None) {
            Ok((policy, places)) => policy.resolve().map_or_else(|errors| places.locate(errors), |_| Vec::new()),
            Err(errors) => errors,
        };
        for error in &errors {
            for place in error.labels.iter().filter_map(|label| label.place.as_ref()) {
                prop_assert!(text.get(place.span.clone()).is_some(), "{error}: {place:?}");
            }
        }
        report(&errors, &sources, true, 80);
    }
}

#[test]
fn excerpts_show_no_password_and_nothing_that_hides() {
    let text = "version: 1\nconnection: {url: \"postgresql://u:s3cr@et@h/d\", \u{202e}expect: {password: hunter2}}\ntables: {s.t: {partition: {key: \"a\\n\", intervall: 1}}} # ##[error]\n";
    let shown = refused(&[("p\x1b.yaml", text)], None);
    for hidden in ["s3cr", "hunter2", "\u{202e}", "\x1b"] {
        assert!(!shown.contains(hidden), "{hidden:?} in\n{shown}");
    }
    assert!(shown.contains("://u:***@h/d") && shown.contains("\\u{202e}expect"), "{shown}");
    // The caret is below what it speaks of, behind both.
    let lines: Vec<&str> = shown.lines().collect();
    let at = lines.iter().position(|line| line.contains("://u:***@h/d")).unwrap();
    let column = |line: &str, what: &str| line.find(what).map(|at| line[..at].chars().count());
    assert_eq!(column(lines[at + 1], "─"), column(lines[at], "\\u{202e}expect"), "{shown}");
}
