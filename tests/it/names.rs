//! Names that a terminal, the log of a workflow, a page or SQL could take for something else: none of them leaves as it
//! is, by any command, in any format, on any way out, and a program reads each as it is.
//!
//! `PGSTRATA_SEED` is the seed of other names than those of every run; a failure prints it.

use std::collections::BTreeSet;
use std::fs;

use pgstrata::sql::{Ident, TableName};
use serde_json::Value;

use crate::support::formats::{psql, run_psql};
use crate::support::place::{Place, Ran, said};

/// Pieces of names: what ends lines, speaks to terminals, to a runner, to Markdown, YAML, SQL and psql.
const PIECES: [&str; 30] = [
    "\n::error ::FORGED",
    "\nFORGED",
    "\r::warning ::FORGED",
    "##[error]",
    "###[group]",
    "\x1b[31m",
    "\x1b]0;t\x07",
    "\u{202e}",
    "\u{2066}",
    "\u{200f}",
    "\u{2028}",
    "\u{85}",
    "\u{7f}",
    "\u{9b}31m",
    "\u{e0041}",
    "\u{feff}",
    "\t",
    "\"",
    "'",
    "\\",
    "\\n",
    "%I",
    "$pgstrata$",
    "--",
    ":HOST",
    "|`<b>@x",
    "U&\"\\000A",
    "::",
    "${X}",
    "é",
];

/// A name of a few pieces around a word, unlike any other by the word.
fn name(random: &mut fastrand::Rng, word: &str) -> String {
    let mut name = String::new();
    // A blank in front hides nothing from a runner.
    for at in 0..random.usize(1..4) {
        if at == 1 {
            name.push_str(word);
        }
        let piece = PIECES[random.usize(..PIECES.len())];
        if name.len() + piece.len() + word.len() <= 40 {
            name.push_str(piece);
        }
    }
    if !name.contains(word) {
        name.push_str(word);
    }
    name
}

/// What no text may have, but for the ends of its lines.
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c), 0x61c | 0x200b | 0x200e | 0x200f | 0x2028..=0x202e | 0x2066..=0x2069 | 0xfeff | 0xe0000..=0xe007f)
}

/// Every text that leaves is looked at by this.
fn check(text: &str, what: &str) {
    for line in text.split('\n') {
        assert!(!line.contains(hides), "{what}: {line:?}\nin\n{text}");
        assert!(!line.contains("##["), "{what}: {line:?}");
        let begins = line.trim_start_matches(|c: char| c.is_whitespace() || c == '-' || c == '#');
        assert!(!begins.starts_with("::") && !begins.starts_with("FORGED"), "{what}: {line:?}\nin\n{text}");
    }
}

/// The same for text with colours of ours.
fn check_coloured(text: &str, what: &str) {
    let mut plain = String::new();
    for (at, piece) in text.split("\x1b[").enumerate() {
        let (code, rest) = if at == 0 { ("0", piece) } else { piece.split_once('m').unwrap_or(("none", piece)) };
        assert!(code.split(';').all(|one| one.parse::<u8>().is_ok_and(|one| one < 50)), "{what}: {text:?}");
        plain.push_str(rest);
    }
    check(&plain, what);
}

/// All names of tables in a document.
fn tables(value: &Value, found: &mut BTreeSet<TableName>) {
    match value {
        Value::String(text) => drop(text.parse().map(|name| found.insert(name))),
        Value::Array(items) => items.iter().for_each(|item| tables(item, found)),
        Value::Object(map) => {
            for (key, value) in map {
                drop(key.parse().map(|name| found.insert(name)));
                tables(value, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

struct World {
    place: Place,
    schema: String,
    root: TableName,
    partitions: BTreeSet<TableName>,
    role: String,
}

impl World {
    fn new(random: &mut fastrand::Rng, db: &str) -> Self {
        let mut word = |word: &str| name(random, word);
        let (schema, table, owner, reader) =
            (word("sch"), word("tab"), word(&format!("own_{db}")), word(&format!("rdr_{db}")));
        let (key, column, check, policy, index, hold) =
            (word("key"), word("col"), word("chk"), word("pol"), word("idx"), word("hold"));
        let leaves: Vec<String> = (0..8).map(|nth| word(&format!("leaf{nth}"))).collect();
        let [schema_q, owner_q, reader_q, key_q, column_q, check_q, policy_q, index_q] =
            [&schema, &owner, &reader, &key, &column, &check, &policy, &index]
                .map(|name| Ident::new(name.as_str()).in_text().into_owned());
        let root = TableName::new(schema.as_str(), table.as_str());
        let text = root.in_text();
        let mut sql = format!(
            "CREATE ROLE {owner_q}; CREATE ROLE {reader_q}; CREATE SCHEMA {schema_q} AUTHORIZATION {owner_q};
             CREATE TABLE {text} ({key_q} timestamptz NOT NULL, {column_q} text, CONSTRAINT {check_q} CHECK ({column_q} <> E'\\n::x\\u202E'))
               PARTITION BY RANGE ({key_q});
             CREATE INDEX {index_q} ON {text} ({column_q}) WHERE {column_q} = E'##[a]\\n';
             CREATE POLICY {policy_q} ON {text} TO {reader_q} USING ({column_q} = E'\\n::error ::FORGED');
             ALTER TABLE {text} OWNER TO {owner_q}; GRANT SELECT ON {text} TO {reader_q};\n"
        );
        // Of the months -7 to 0: the first three are too old, one of them is empty; an index is missing on none yet.
        for (nth, leaf) in leaves.iter().enumerate() {
            let leaf = TableName::new(schema.as_str(), leaf.as_str()).in_text();
            let month =
                |back: usize| format!("date_trunc('month', now() AT TIME ZONE 'UTC') - interval '{back} months'");
            sql.push_str(&format!(
                "DO $do$ BEGIN EXECUTE format('CREATE TABLE %s PARTITION OF %s FOR VALUES FROM (%L) TO (%L)', {}, {}, ({})::text || '+00', ({})::text || '+00'); END $do$;
                 INSERT INTO {leaf} SELECT ({}) AT TIME ZONE 'UTC' + interval '1 day', 'x';\n",
                literal(&leaf), literal(&text), month(7 - nth), month(6_usize.saturating_sub(nth)).replace("'0 months'", if nth == 7 { "'-1 months'" } else { "'0 months'" }),
                month(7 - nth),
            ));
        }
        let place = Place::new(db, &sql, "");
        // As any program would write YAML that all readers read alike.
        let json = |text: &str| {
            let escaped =
                |c: char| if hides(c) && !c.is_ascii_control() || c == '\x7f' { in_yaml(c) } else { c.to_string() };
            serde_json::to_string(text).unwrap().chars().map(escaped).collect::<String>()
        };
        let policy_text = format!(
            "version: 1\ntables:\n  {}:\n    partition: {{key: {}, interval: 1 month, timezone: UTC, premake: 2}}\n    \
             retention: {{keep: 4 months, then: drop, grace: 0 days}}\n    indexes:\n      {}: {{columns: [{}], where: {}}}\n    \
             storage_parameters: {{fillfactor: 90}}\nholds:\n  {}: {{tables: [{}], from: 1999-01-01, to: 1999-02-01, reason: {}}}\n",
            json(&text),
            json(&key_q),
            json(&Ident::new("new_index").to_string()),
            json(&column_q),
            json(&format!("{column_q} <> 'a\n::b\u{202e}##[c]'")),
            json(&hold),
            json(&text),
            json("why\n::error ::FORGED\x1b[31m"),
        );
        place.write("pgstrata.yaml", &policy_text);
        let partitions = leaves.iter().map(|leaf| TableName::new(schema.as_str(), leaf.as_str())).collect();
        Self { place, schema, root, partitions, role: owner_q }
    }

    /// Runs, whatever the exit code is, and looks at both streams.
    fn says(&self, args: &[&str], codes: &[i32]) -> Ran {
        let output = self.place.command(args).output().unwrap();
        let code = output.status.code().unwrap();
        let ran = said(output, code, "");
        assert!(codes.contains(&code), "{args:?} ended with {code}\n{}\n{}", ran.stdout, ran.stderr);
        check(&ran.stdout, &format!("stdout of {args:?}"));
        check(&ran.stderr, &format!("stderr of {args:?}"));
        ran
    }

    /// In each of these formats, on stdout and into a file, and in colour.
    fn says_as(&self, args: &[&str], formats: &[&str], codes: &[i32]) {
        for format in formats {
            let report = format!("{format}=report");
            self.says(&[args, &["--format", format, "--report", &report, "-v"]].concat(), codes);
            check(&self.place.read("report"), &format!("report of {args:?} as {format}"));
        }
        self.says_coloured(args);
    }

    fn says_coloured(&self, args: &[&str]) {
        let output = self.place.command(&[args, &["-v", "--color", "always"]].concat()).output().unwrap();
        for stream in [output.stdout, output.stderr] {
            check_coloured(&String::from_utf8(stream).unwrap(), &format!("{args:?} in colour"));
        }
    }

    fn json(&self, args: &[&str], codes: &[i32]) -> Value {
        serde_json::from_str(&self.says(args, codes).stdout).unwrap()
    }

    fn has(&self, document: &Value, wanted: &BTreeSet<TableName>, what: &str) {
        let mut found = BTreeSet::new();
        tables(document, &mut found);
        for name in wanted {
            assert!(found.contains(name), "{what} lacks {:?}", name.in_text());
        }
    }
}

fn in_yaml(c: char) -> String {
    match u32::from(c) {
        code @ 0..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}

fn literal(text: &str) -> String {
    postgres_protocol::escape::escape_literal(text)
}

const PLAN: [&str; 5] = ["human", "json", "markdown", "sql", "gitlab"];
const DRIFT: [&str; 6] = ["human", "json", "markdown", "prometheus", "sarif", "junit"];

fn every_way_out(seed: u64, db: &str) {
    eprintln!("PGSTRATA_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let world = World::new(&mut random, db);
    let root = world.root.to_string();
    assert!(!root.contains(hides), "{root}");
    let only: BTreeSet<TableName> = [world.root.clone()].into();

    world.says(&["validate"], &[0]);
    world.says_as(&["plan"], &PLAN, &[0]);
    world.has(&world.json(&["plan", "--format", "json"], &[0]), &only, "plan");
    world.says_as(&["drift"], &DRIFT, &[0, 1, 2]);
    let snapshot = world.json(&["snapshot"], &[0]);
    world.has(&snapshot, &only, "snapshot");
    world.has(&snapshot, &world.partitions, "snapshot");
    world.says(&["snapshot", "--out", "snapshot.json"], &[0]);
    check(&world.place.read("snapshot.json"), "snapshot.json");
    let offline = world.json(&["plan", "--snapshot", "snapshot.json", "--format", "json"], &[0]);
    world.has(&offline, &only, "plan of a snapshot");
    world.says(&["explain", &root], &[0]);
    world.says_coloured(&["explain", &root]);
    for leaf in &world.partitions {
        world.says(&["explain", &leaf.to_string(), "-v"], &[0]);
        let story = world.json(&["explain", &leaf.in_text(), "--format", "json"], &[0]);
        world.has(&story, &[leaf.clone()].into(), "explain");
    }
    for command in ["list", "analyze"] {
        world.says_as(&["partition", command], &["human", "json"], &[0]);
        let listed = world.json(&["partition", command, "--format", "json"], &[0]);
        world.has(&listed, &only, command);
    }
    world.has(&world.json(&["partition", "list", "--all", "--format", "json"], &[0]), &world.partitions, "list");
    world.says(&["optimize", "maintenance", "--dry-run"], &[0]);
    world.says(&["optimize", "maintenance", "--dry-run", "--format", "json"], &[0]);
    world.says(&["optimize", "config"], &[0, 78]);
    world.says(&["import"], &[0]);
    world.says(&["import", "--out", "imported.yaml"], &[0]);
    check(&world.place.read("imported.yaml"), "imported.yaml");
    world.says(&["validate", "-p", "imported.yaml"], &[0]);

    // Wrong usage repeats what it was given.
    let odd = "s.\"a\n::error ::FORGED\x1b[31m##[x]\u{202e}\"";
    for args in [
        ["plan", "--table", odd],
        ["explain", odd, "-v"],
        ["plan", "--format", odd],
        ["plan", "--env", odd],
        ["plan", "-p", odd],
        ["plan", "--allow", odd],
        ["plan", odd, "-v"],
        ["plan", "--url", "postgresql://u:s3cret@127.0.0.1:1/\u{202e}%1B%0A::error"],
    ] {
        let ran = world.says(&args, &[64, 69, 78]);
        assert!(!ran.stderr.contains("s3cret"), "{}", ran.stderr);
        world.says_coloured(&args);
    }

    // Somebody is in the way, and is named.
    let mut holder = world.place.db.client();
    holder.batch_execute(&format!("GRANT {} TO CURRENT_USER; SET ROLE {}", world.role, world.role)).unwrap();
    holder.batch_execute(&format!("SET application_name = {}", literal("app\n::error ::FORGED##[x]"))).unwrap();
    holder.batch_execute(&format!("BEGIN; LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", world.root.in_text())).unwrap();
    let impatient = ["apply", "--auto-approve", "-v", "--lock-retries", "1", "--lock-timeout", "50ms"];
    let summary = world.place.path("summary.md");
    let mut command = world.place.command(&impatient);
    command.args(["--format", "markdown"]).env("GITHUB_STEP_SUMMARY", &summary);
    let output = command.output().unwrap();
    for stream in [output.stdout, output.stderr] {
        check(&String::from_utf8(stream).unwrap(), "a lock that is not to be had");
    }
    check(&fs::read_to_string(&summary).unwrap(), "the job's summary");
    holder.batch_execute("ROLLBACK").unwrap();
    drop(holder);

    // The script does in psql what the plan says.
    if let Some(psql) = psql() {
        let script = world.says(&["plan", "--format", "sql"], &[0]).stdout;
        let output = run_psql(&psql, &world.place.db, &script);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{errors}\n{script}");
        let after = world.json(&["plan", "--format", "json"], &[0]);
        assert_eq!(after["summary"]["create"], 0, "{after}");
        assert_eq!(after["summary"]["detach"], 0, "{after}");
    }
    world.says(&["plan", "--out", "plan.json"], &[0]);
    check(&world.place.read("plan.json"), "plan.json");
    world.says_as(&["show", "plan.json"], &PLAN, &[0]);
    world.says_as(&["apply", "plan.json", "--allow", "deletes-data"], &["human", "json", "markdown"], &[0, 3, 4]);
    world.says_as(&["apply", "--auto-approve", "--allow", "deletes-data"], &["human", "json", "markdown"], &[0]);
    let matches = world.says(&["drift"], &[0]);
    assert!(matches.stdout.contains("No drift"), "{}", matches.stdout);
    world.says(&["partition", "create", "--auto-approve"], &[0]);
    world.says(&["partition", "cleanup", "--auto-approve"], &[0]);
    // What was made is called after the table, and says so.
    let mut client = world.place.db.client();
    let made: i64 = client
        .query_one("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = $1 AND relispartition AND relkind = 'r' AND starts_with(relname, $2)", &[&world.schema, &world.root.name.as_str()])
        .unwrap()
        .get(0);
    assert_eq!(made, 2, "premake");
    client.batch_execute(&format!("DROP OWNED BY {}", world.role)).unwrap();
}

#[test]
fn no_name_leaves_as_it_is_by_any_way_out() {
    every_way_out(1, "names_a");
}

#[test]
fn nor_any_other() {
    let seed = std::env::var("PGSTRATA_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(2);
    every_way_out(seed, "names_b");
}
