//! The policies that are shipped do what they say on a real server: the tables that their comments speak of are made,
//! planned and carried out; what is left is nothing.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::place::{Ran, ran};
use crate::support::{TestDb, database, pgstrata};

/// Every file of `policies/`, and every folder of policies under `examples/`.
fn shipped() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all: Vec<PathBuf> = fs::read_dir(root.join("policies")).unwrap().map(|file| file.unwrap().path()).collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    all.push(root.join("examples/holds"));
    all.sort();
    all
}

fn text(policy: &Path) -> String {
    if !policy.is_dir() {
        return fs::read_to_string(policy).unwrap();
    }
    let files = fs::read_dir(policy).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    files.collect::<Vec<_>>().concat()
}

/// The statements in a policy's comments, and the schemas that they need.
fn tables(text: &str) -> String {
    let sql: String =
        text.lines().filter_map(|line| line.strip_prefix("#   ")).map(|line| format!("{line}\n")).collect();
    // Roles are the server's, and a database is made for each environment.
    let role = |line: &str| match line.starts_with("CREATE ROLE ") {
        true => format!("DO $$ BEGIN {line} EXCEPTION WHEN duplicate_object THEN NULL; END $$;\n"),
        false => format!("{line}\n"),
    };
    let sql: String = sql.lines().map(role).collect();
    let schemas = sql.split("CREATE TABLE ").skip(1).map(|rest| rest.split('.').next().unwrap());
    schemas.map(|schema| format!("CREATE SCHEMA IF NOT EXISTS {schema};\n")).collect::<String>() + &sql
}

struct Run<'a> {
    policy: &'a Path,
    environment: &'a str,
    db: TestDb,
    folder: tempfile::TempDir,
}

impl Run<'_> {
    fn run(&self, args: &[&str], code: i32) -> Ran {
        let mut command = pgstrata();
        command.current_dir(self.folder.path()).env("DATABASE_URL", self.db.url()).args(args);
        // As for every flag, an empty variable is none.
        command.env("PGSTRATA_ENV", self.environment).arg("-p").arg(self.policy);
        ran(&mut command, code)
    }

    fn json(&self, args: &[&str], code: i32) -> Value {
        serde_json::from_str(&self.run(&[args, &["--format", "json"]].concat(), code).stdout).unwrap()
    }
}

/// `ok: production: …`
fn environments(policy: &Path) -> Vec<String> {
    let said = ran(pgstrata().arg("validate").arg("-p").arg(policy), 0);
    assert_eq!(said.stderr, "", "{} is warned of", policy.display());
    let names = said.stdout.lines().filter_map(|line| line.strip_prefix("ok: ")?.split_once(": "));
    let mut names: Vec<String> = names.map(|(name, _)| name.to_owned()).collect();
    if names.is_empty() {
        names.push(String::new());
    }
    names
}

#[test]
fn shipped_policies_bring_their_tables_to_what_they_say() {
    let mut runs = 0;
    for policy in shipped() {
        let text = text(&policy);
        let names = environments(&policy);
        assert_eq!(names.len(), text.matches("\n  staging:").count() * 2 + 1, "{names:?}");
        for environment in &names {
            let db = database(&format!("shipped_policy_{runs}"));
            db.batch(&tables(&text));
            let run = Run { policy: &policy, environment, db, folder: tempfile::tempdir().unwrap() };
            let what = format!("{} {environment}", policy.display());

            let plan = run.json(&["plan", "--out", "plan.json", "--allow", "limits-sessions"], 0);
            assert!(plan["summary"]["create"].as_u64().unwrap() > 0, "{what}");
            assert_eq!(plan["summary"]["blocked"], 0, "{what}");
            let outcome = run.json(&["apply", "plan.json", "--allow", "limits-sessions"], 0);
            // A pooler that nobody named is not asked: what it has is unverified, and no match is claimed.
            let unverified = text.contains("pgbouncer:");
            assert_eq!(outcome["matches_policy"].as_bool(), (!unverified).then_some(true), "{what}");
            let again = run.run(&["plan", "--detailed-exitcode"], 0).stdout;
            assert!(again.contains("No changes."), "{what}: {again}");
            run.run(&["drift"], 0);
            let wanted = outcome["remains"]["policy"]["tables"].as_object().unwrap().values();
            let wanted: usize = wanted.map(|table| table["indexes"].as_object().unwrap().len()).sum();
            let built = "SELECT count(*) FROM pg_index JOIN pg_class ON oid = indexrelid
                WHERE relkind = 'I' AND indisvalid AND relname LIKE '%\\_idx'";
            let built: i64 = run.db.client().query_one(built, &[]).unwrap().get(0);
            assert_eq!(usize::try_from(built).unwrap(), wanted, "{what}: indexes");

            // What was made leaves in its time, if the policy says so; ids have none.
            let later = run.json(&["plan", "--now", "2060-01-01"], 0);
            let leaves = later["summary"]["detach"].as_u64().unwrap() > 0;
            let timed = !policy.ends_with("ids.yaml");
            assert_eq!(leaves, timed && text.contains("retention:"), "{what}");
            runs += 1;
        }
    }
    assert!(runs >= 10, "{runs}");
}

/// Who clones the project tries `-p policies` first.
#[test]
fn the_folder_of_policies_is_one_policy() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    assert_eq!(environments(&folder), ["development", "production", "staging"]);
}

#[test]
fn the_example_of_holds_holds() {
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/holds");
    let db = database("shipped_holds");
    db.batch(&tables(&text(&policy)));
    let month = |name: &str, from: &str, to: &str| {
        db.batch(&format!(
            "CREATE TABLE audit.{name} PARTITION OF audit.audit_log FOR VALUES FROM ('{from}') TO ('{to}')"
        ));
    };
    month("march", "2024-03-01 00:00+00", "2024-04-01 00:00+00");
    month("april", "2024-04-01 00:00+00", "2024-05-01 00:00+00");
    let run = Run { policy: &policy, environment: "", db, folder: tempfile::tempdir().unwrap() };
    let plan = run.run(&["plan", "--now", "2060-01-01"], 0).stdout;
    let line = |name: &str| plan.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}\n{plan}"));
    assert!(line(" march ").contains("held by `matter-4711`"), "{plan}");
    assert!(line(" april ").contains("detach"), "{plan}");
}
