//! Settings of servers of their own: what is seen, what `ALTER SYSTEM` changes, and what it must leave.

use std::fs;

use pgstrata::sandbox::{Options, Sandbox};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::place::{Ran, ran};
use crate::support::{own_server, pgstrata, settings};

const TABLES: &str = "CREATE TABLE events (at timestamptz NOT NULL) PARTITION BY RANGE (at)";
pub(crate) const POLICY: &str = "version: 1
tables:
  public.events: {partition: {key: at, interval: 1 month, premake: 1}}
";

/// A server, and a folder with a policy for its database `app`.
pub(crate) struct Place {
    pub(crate) server: Sandbox,
    pub(crate) url: String,
    pub(crate) folder: TempDir,
}

impl Place {
    pub(crate) fn new(conf: &[(&str, &str)]) -> Self {
        let server = own_server(Options { settings: settings(conf), ..Options::default() });
        let url = server.create_database("app").unwrap();
        server.connect("app").unwrap().batch_execute(TABLES).unwrap();
        Self { server, url, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn policy(&self, mode: &str, settings: &str) {
        let text = format!("{POLICY}apply: {{settings: {mode}}}\nsettings: {{{settings}}}\n");
        fs::write(self.folder.path().join("pgstrata.yaml"), text).unwrap();
    }

    pub(crate) fn run_as(&self, url: &str, args: &[&str], code: i32) -> Ran {
        let mut command = pgstrata();
        command.current_dir(self.folder.path()).env("PGSTRATA_URL", url).args(args);
        ran(&mut command, code)
    }

    pub(crate) fn run(&self, args: &[&str], code: i32) -> Ran {
        self.run_as(&self.url, args, code)
    }

    pub(crate) fn json(&self, url: &str) -> Value {
        serde_json::from_str(&self.run_as(url, &["plan", "--format", "json"], 0).stdout).unwrap()
    }

    /// The steps and the findings on settings, by name.
    pub(crate) fn planned(&self, url: &str) -> (Vec<String>, Vec<String>) {
        let plan = self.json(url);
        let texts = |list: &str, key: &dyn Fn(&Value) -> Option<String>| -> Vec<String> {
            plan[list].as_array().unwrap().iter().filter_map(key).collect()
        };
        let of = |value: &Value| value.as_str().filter(|text| text.contains("setting ")).map(str::to_owned);
        let steps = texts("steps", &|step| of(&step["id"]));
        let findings = texts("findings", &|finding| {
            let object = of(&finding["object"])?;
            Some(format!("{} {object}: {}", finding["code"].as_str().unwrap(), finding["message"].as_str().unwrap()))
        });
        (steps, findings)
    }

    pub(crate) fn one(&self, sql: &str) -> String {
        // Of a new session.
        let row = self.server.connect("app").unwrap().query_one(sql, &[]).unwrap();
        row.get::<_, Option<String>>(0).unwrap_or_default()
    }

    pub(crate) fn batch(&self, sql: &str) {
        self.server.connect("app").unwrap().batch_execute(sql).unwrap();
    }

    pub(crate) fn auto_conf(&self) -> String {
        self.one("SELECT string_agg(name || '=' || setting, ' ' ORDER BY seqno) FROM pg_file_settings WHERE sourcefile LIKE '%auto.conf'")
    }
}

pub(crate) const APPLY: [&str; 2] = ["apply", "--auto-approve"];

#[test]
fn what_differs_is_reported_and_nothing_is_changed() {
    let place = Place::new(&[("work_mem", "0.1GB"), ("temp_buffers", "102MB"), ("random_page_cost", "1.3")]);
    place.policy(
        "report",
        "work_mem: 102MB, random_page_cost: 1.30, lock_timeout: 0, statement_timeout: 0, jit: 'ON', shared_buffers: 1GB, \
         max_parallel_workers_per_gather: 2, TimeZone: x, search_path: '\"$user\",public', log_min_messages: info",
    );
    // A name in the server's own spelling is a slip as a policy sees it: unquoted names are folded.
    place.run(&["plan"], 78);
    place.policy(
        "report",
        "work_mem: 102MB, temp_buffers: 0.1GB, random_page_cost: 1.30, lock_timeout: 0, jit: 'ON', shared_buffers: 1GB, \
         statement_timeout: 0, max_parallel_workers_per_gather: 2, search_path: '\"$user\",public', log_min_messages: info, work_men: 1MB, \
         row_security: true, idle_session_timeout: 0, maintenance_work_mem: 1kB, max_locks_per_transaction: 1",
    );
    let plan = place.run(&["plan", "--format", "json"], 1).stdout;
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let findings: Vec<(&str, &str)> = plan["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| (finding["code"].as_str().unwrap(), finding["object"].as_str().unwrap()))
        .collect();
    assert_eq!(
        findings,
        [
            ("SETTING_REFUSED", "setting maintenance_work_mem"),
            ("SETTING_REFUSED", "setting max_locks_per_transaction"),
            ("SETTING_REFUSED", "setting work_men"),
            ("SETTING_DIFFERS", "setting log_min_messages"),
            ("SETTING_DIFFERS", "setting shared_buffers"),
        ]
    );
    assert!(plan["findings"][2]["message"].as_str().unwrap().ends_with("did you mean `work_mem`?"));
    // Where it comes from, and what would bring it.
    let buffers = plan["findings"][4]["message"].as_str().unwrap();
    assert!(buffers.contains("postgresql.conf:") && buffers.ends_with("that takes a restart"), "{buffers}");
    assert_eq!(plan["findings"][3]["message"], "it is warning (default), the policy wants info; that takes a reload");
    place.policy("report", "shared_buffers: 1GB");
    place.run(&APPLY, 3);
    // Nothing that a step could end, and a difference all the same.
    let drift = place.run(&["drift"], 2).stdout;
    assert!(drift.contains("1 difference: 1 drift.") && drift.contains("setting shared_buffers"), "{drift}");
    assert_eq!(place.auto_conf(), "");
}

#[test]
fn alter_system_is_in_force_after_the_apply_and_a_restart_needs_a_grant() {
    let place = Place::new(&[]);
    place.policy(
        "alter_system",
        "work_mem: 8MB, random_page_cost: 1.10, synchronize_seqscans: no, wal_compression: true, shared_buffers: 64MB, \
         search_path: '\"$user\", Public, \"Odd, \"\"name\"', log_destination: 'stderr,csvlog', log_disconnections: yes, \
         autovacuum_naptime: 90s, timezone: europe/berlin, constraint_exclusion: \"yes\", idle_session_timeout: 1h",
    );
    let before = place.planned(&place.url);
    assert_eq!(before.0.len(), 12, "{before:#?}");
    place.run(&["drift"], 2);
    // A plan that is saved now.
    place.run(&["plan", "-q", "--out", "plan.json"], 0);
    // All but the restart.
    let done = place.run(&APPLY, 3);
    assert!(done.stdout.contains("RESTART_REQUIRED needs --allow restart-required"), "{}", done.stdout);
    for (name, value) in [
        ("work_mem", "8MB"),
        ("random_page_cost", "1.1"),
        ("synchronize_seqscans", "off"),
        ("wal_compression", if place.server.version().major >= 15 { "pglz" } else { "on" }),
        ("shared_buffers", "128MB"),
        ("search_path", "\"$user\", public, \"Odd, \"\"name\""),
        ("log_destination", "stderr,csvlog"),
        ("log_disconnections", "on"),
        ("autovacuum_naptime", "90s"),
        ("TimeZone", "Europe/Berlin"),
        ("constraint_exclusion", "on"),
        ("idle_session_timeout", "1h"),
    ] {
        assert_eq!(place.one(&format!("SHOW {name}")), value, "{name}");
    }
    let (steps, findings) = place.planned(&place.url);
    assert_eq!((steps, findings), (vec!["set setting shared_buffers".to_owned()], vec![]));
    // The saved one: what is there already is not done again.
    let again = place.run(&["apply", "plan.json", "--allow", "restart-required"], 3);
    assert!(again.stderr.contains("set setting shared_buffers"), "{}", again.stderr);
    assert!(place.auto_conf().contains("shared_buffers=64MB"), "{}", place.auto_conf());
    assert_eq!(place.one("SELECT pending_restart::text FROM pg_settings WHERE name = 'shared_buffers'"), "true");
    let (steps, findings) = place.planned(&place.url);
    assert_eq!(steps, Vec::<String>::new());
    assert_eq!(
        findings,
        [
            "SETTING_PENDING_RESTART setting shared_buffers: it is 128MB until a restart, which brings 64MB as the policy says"
        ]
    );
    place.run(&["drift"], 2);
    place.server.restart().unwrap();
    assert_eq!(place.one("SHOW shared_buffers"), "64MB");
    assert_eq!(place.planned(&place.url), (vec![], vec![]));
}

#[test]
fn a_saved_plan_is_stale_once_somebody_else_has_set_it() {
    let place = Place::new(&[]);
    place.policy("alter_system", "random_page_cost: 1.1");
    place.run(&["plan", "-q", "--out", "plan.json"], 0);
    place.batch("ALTER SYSTEM SET random_page_cost = 3");
    place.batch("SELECT pg_reload_conf(), pg_sleep(0.3)");
    let stale = place.run(&["apply", "plan.json", "--auto-approve"], 4);
    assert!(
        format!("{}{}", stale.stdout, stale.stderr).contains("random_page_cost is 3"),
        "{}{}",
        stale.stdout,
        stale.stderr
    );
    assert_eq!(place.auto_conf(), "random_page_cost=3");
}

#[test]
fn what_a_session_has_for_itself_is_not_what_the_server_has() {
    let place = Place::new(&[]);
    place.batch(
        "CREATE ROLE app LOGIN; GRANT ALL ON DATABASE app TO app; ALTER TABLE events OWNER TO app;
         GRANT CREATE ON SCHEMA public TO app;
         ALTER DATABASE app SET random_page_cost = 1.1; ALTER ROLE app SET work_mem = '8MB'",
    );
    let app = place.url.replace("user=postgres", "user=app");
    place.policy("report", "random_page_cost: 1.1, work_mem: 8MB, shared_preload_libraries: ''");
    let (_, findings) = place.planned(&app);
    assert_eq!(findings.len(), 3);
    assert!(
        findings[0]
            .starts_with("SETTING_UNKNOWN setting random_page_cost: this session has 1.1 by ALTER DATABASE … SET")
    );
    assert!(
        findings[1]
            .starts_with("SETTING_UNKNOWN setting shared_preload_libraries: only roles with pg_read_all_settings")
    );
    assert!(findings[2].starts_with("SETTING_UNKNOWN setting work_mem: this session has 8MB by ALTER ROLE … SET"));
    // To the connection's own options nothing else is to be seen either, but by who may read the files.
    let client = format!("{}&options=-c%20enable_seqscan%3Doff", place.url);
    place.policy("report", "enable_seqscan: off");
    assert!(place.planned(&client).1[0].starts_with("SETTING_DIFFERS setting enable_seqscan: it is on (default)"));
    let client_of_app = format!("{app}&options=-c%20enable_seqscan%3Doff");
    assert!(place.planned(&client_of_app).1[0].contains("by the connection's own options"));
    assert!(place.planned(&place.url).1[0].starts_with("SETTING_DIFFERS setting enable_seqscan: it is on (default)"));
    // The files say nothing of it: it is the default; and the change is seen there.
    place.policy("alter_system", "random_page_cost: 1.1");
    assert_eq!(place.planned(&place.url).0, ["set setting random_page_cost"]);
    place.run(&APPLY, 0);
    assert_eq!(place.auto_conf(), "random_page_cost=1.1");
    assert_eq!(place.planned(&place.url), (vec![], vec![]));
    place.batch("ALTER SYSTEM SET random_page_cost = 2");
    assert_eq!(place.planned(&place.url).0, ["set setting random_page_cost"]);
    place.run(&APPLY, 0);
    assert_eq!(place.auto_conf(), "random_page_cost=1.1");
    assert_eq!(place.planned(&place.url), (vec![], vec![]));
}

#[test]
fn who_may_not_alter_the_system_gets_the_sql_for_who_may() {
    let place = Place::new(&[]);
    place.batch("CREATE ROLE app LOGIN; ALTER TABLE events OWNER TO app; GRANT CREATE ON SCHEMA public TO app");
    let app = place.url.replace("user=postgres", "user=app");
    place.policy("alter_system", "random_page_cost: 1.1, max_locks_per_transaction: 128");
    let plan = place.json(&app);
    assert_eq!(plan["summary"]["blocked"], 2);
    let hint = "have an administrator run: ALTER SYSTEM SET random_page_cost = '1.1'; SELECT pg_reload_conf()";
    assert_eq!(plan["findings"][1]["hint"], hint);
    place.run_as(&app, &APPLY, 3);
    assert_eq!(place.auto_conf(), "");
    if place.server.version().major < 15 {
        return;
    }
    place.batch(
        "GRANT ALTER SYSTEM ON PARAMETER random_page_cost, max_locks_per_transaction TO app;
         GRANT EXECUTE ON FUNCTION pg_reload_conf() TO app",
    );
    let apply = ["apply", "--auto-approve", "--allow", "restart-required"];
    place.run_as(&app, &apply, 3);
    assert_eq!(place.auto_conf(), "max_locks_per_transaction=128 random_page_cost=1.1");
    // It may not read the files: what waits for the restart is not known to it.
    let (steps, findings) = place.planned(&app);
    assert!(steps.is_empty(), "{steps:?}");
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].contains("it is 64 until a restart brings another value"), "{findings:?}");
    assert!(place.planned(&place.url).1[0].contains("brings 128 as the policy says"));
}

#[test]
fn a_server_that_takes_no_alter_system_is_not_asked_to() {
    let place = Place::new(&[]);
    if place.server.version().major < 17 {
        return;
    }
    place.batch("ALTER SYSTEM SET random_page_cost = 2");
    let conf = place.server.data_dir().join("postgresql.conf");
    let text = fs::read_to_string(&conf).unwrap();
    fs::write(&conf, format!("{text}\nallow_alter_system = off\n")).unwrap();
    place.batch("SELECT pg_reload_conf(), pg_sleep(0.3)");
    place.policy("alter_system", "random_page_cost: 1.1");
    let plan = place.json(&place.url);
    assert_eq!(plan["summary"]["blocked"], 1);
    assert_eq!(
        plan["findings"][0]["hint"],
        "set it where the server's configuration is kept: random_page_cost = '1.1'"
    );
    place.run(&APPLY, 3);
    assert_eq!(place.auto_conf(), "random_page_cost=2");
}

#[test]
fn a_password_has_no_place_in_a_policy() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{POLICY}settings: {{primary_conninfo: 'host=db1 password=hunter2'}}\n");
    fs::write(folder.path().join("pgstrata.yaml"), text).unwrap();
    let refused = ran(pgstrata().current_dir(folder.path()).arg("validate"), 78).stderr;
    assert!(refused.contains("`primary_conninfo` may hold a password"), "{refused}");
}

#[test]
fn a_reload_that_the_files_keep_from_coming_is_a_failure() {
    let place = Place::new(&[]);
    place.policy("alter_system", "random_page_cost: 1.1");
    let conf = place.server.data_dir().join("postgresql.conf");
    let text = fs::read_to_string(&conf).unwrap();
    fs::write(&conf, format!("{text}\nnonsense without a value\n")).unwrap();
    let failed = place.run(&APPLY, 6);
    assert!(failed.stdout.contains("pg_file_settings.error"), "{}", failed.stdout);
    fs::write(&conf, text).unwrap();
    place.run(&APPLY, 0);
    assert_eq!(place.one("SHOW random_page_cost"), "1.1");
}

#[test]
fn nothing_that_the_server_could_not_start_with_is_written() {
    let place = Place::new(&[]);
    place.policy(
        "alter_system",
        "session_preload_libraries: 'no_such_library', temp_tablespaces: '', max_connections: 300000, jit: maybe, \
         wal_writer_flush_after: 5s, data_directory: /nowhere",
    );
    place.batch("ALTER SYSTEM SET temp_tablespaces = 'pg_default'");
    place.batch("SELECT pg_reload_conf(), pg_sleep(0.3)");
    let plan: Value = serde_json::from_str(&place.run(&["plan", "--format", "json"], 1).stdout).unwrap();
    let of_settings = plan["steps"].as_array().unwrap().iter().filter(|step| step["action"]["kind"] == "set_setting");
    assert_eq!(of_settings.count(), 0);
    assert_eq!(plan["findings"].as_array().unwrap().len(), 6, "{}", plan["findings"]);
    assert_eq!(place.auto_conf(), "temp_tablespaces=pg_default");
}

#[test]
fn advice_that_is_pasted_is_what_a_plan_then_shows() {
    let place = Place::new(&[("autovacuum", "off")]);
    place.batch(
        "CREATE INDEX ON events (at);
         DO $$ DECLARE day timestamptz := date_trunc('day', now()) - interval '150 days'; BEGIN FOR i IN 0..299 LOOP
           EXECUTE format('CREATE TABLE events_%s PARTITION OF events FOR VALUES FROM (%L) TO (%L)', i,
             day + make_interval(days => i), day + make_interval(days => i + 1));
         END LOOP; END $$",
    );
    let file = place.folder.path().join("pgstrata.yaml");
    let declared = format!("{POLICY}hardware: {{memory: 64GB, cpus: 16, storage: ssd, workload: warehouse}}\n");
    fs::write(&file, &declared).unwrap();
    let advice: Value =
        serde_json::from_str(&place.run(&["optimize", "config", "--format", "json"], 0).stdout).unwrap();
    let of = |list: &str, key: &str| -> Vec<String> {
        let all = advice[list].as_array().unwrap();
        all.iter().map(|advised| advised[key].as_str().unwrap().to_owned()).collect()
    };
    let change = of("change", "setting");
    assert!(change.contains(&"max_locks_per_transaction".to_owned()), "{change:?}");
    let formula = of("change", "formula");
    // 301 relations and an index on each.
    assert!(formula.iter().any(|formula| formula.contains("602 locks")), "{formula:?}");
    assert!(!of("keep", "setting").is_empty() && advice["left_out"].as_object().unwrap().is_empty(), "{advice}");
    let yaml = place.run(&["optimize", "config", "--format", "yaml"], 0).stdout;
    fs::write(&file, format!("{declared}{yaml}")).unwrap();
    place.run(&["validate"], 0);
    let (steps, findings) = place.planned(&place.url);
    let differ: Vec<String> = change.iter().map(|name| format!("SETTING_DIFFERS setting {name}: ")).collect();
    assert!(steps.is_empty() && findings.len() == differ.len(), "{findings:#?}\n{change:#?}");
    assert!(findings.iter().zip(&differ).all(|(finding, differ)| finding.starts_with(differ)), "{findings:#?}");
    // The block for people is the same without remarks.
    let shown = place.run(&["optimize", "config"], 0).stdout;
    let block = &shown[shown.find("\nsettings:\n").unwrap() + 1..];
    let bare: String = yaml.lines().map(|line| format!("{}\n", line.split("  #").next().unwrap().trim_end())).collect();
    assert_eq!(block, bare);
    // Once all of it is in force nothing is left to say.
    fs::write(&file, format!("{declared}apply: {{settings: alter_system, allow: [restart-required]}}\n{yaml}"))
        .unwrap();
    place.run(&APPLY, 3);
    let again = place.run(&["optimize", "config", "--format", "yaml"], 0).stdout;
    assert_eq!(again, "# Nothing to change: every setting is as advised.\n");
}

#[test]
fn hardware_is_declared_or_that_of_a_server_that_is_here() {
    let server = own_server(Options { tcp: Some(0), ..Options::default() });
    let url = server.create_database("app").unwrap();
    server.connect("app").unwrap().batch_execute(TABLES).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pgstrata.yaml"), POLICY).unwrap();
    let run = |url: &str, code: i32| {
        let mut command = pgstrata();
        command.current_dir(folder.path()).env("PGSTRATA_URL", url).args(["optimize", "config", "--format", "json"]);
        ran(&mut command, code)
    };
    for url in [url.clone(), server.tcp_url("app").unwrap()] {
        let advice: Value = serde_json::from_str(&run(&url, 0).stdout).unwrap();
        for part in ["memory", "cpus"] {
            assert!(advice["machine"][part]["value"].as_u64().unwrap() > 0, "{advice}");
            assert!(!advice["machine"][part]["source"].as_str().unwrap().contains("policy"), "{advice}");
        }
        assert_eq!(advice["machine"]["storage"], Value::Null);
        assert!(advice["left_out"]["random_page_cost"].as_str().unwrap().contains("declare"), "{advice}");
    }
    // Linux takes this address for the machine's own; to us it is not a loopback address.
    let elsewhere = format!("host=0.0.0.0 port={} dbname=app user={}", server.port(), server.superuser());
    let refused = run(&elsewhere, 78).stderr;
    assert!(refused.contains("0.0.0.0") && refused.contains("is another machine"), "{refused}");
    assert!(refused.contains("hardware: {memory: 64GB, cpus: 16, storage: ssd}"), "{refused}");
    // What is declared is taken, and the rest is left out.
    fs::write(folder.path().join("pgstrata.yaml"), format!("{POLICY}hardware: {{memory: 8GB}}\n")).unwrap();
    let advice: Value = serde_json::from_str(&run(&elsewhere, 0).stdout).unwrap();
    assert_eq!(
        (&advice["machine"]["memory"]["value"], &advice["machine"]["cpus"]),
        (&(8_u64 << 30).into(), &Value::Null)
    );
    assert!(advice["left_out"]["max_parallel_workers"].as_str().unwrap().contains("cpus: 16"), "{advice}");
    fs::write(folder.path().join("pgstrata.yaml"), format!("{POLICY}hardware: {{memory: 10kB, cpus: 0}}\n")).unwrap();
    let invalid = run(&url, 78);
    assert!(
        invalid.stderr.contains("at least 64MB") && invalid.stderr.contains("from 1 to 4096"),
        "{}",
        invalid.stderr
    );
}

/// Units, rounding, words, lists, blanks and numbers of every kind that there is. (The driver sets an encoding, and
/// `archive_command` is shown as what it is not.)
#[test]
fn every_setting_as_the_server_shows_it_is_no_difference() {
    let place =
        Place::new(&[("work_mem", "0.1GB"), ("seq_page_cost", "1.23456789"), ("cpu_tuple_cost", "0.0000123456789")]);
    let sql = "SELECT lower(name), current_setting(name), reset_val FROM pg_settings WHERE context <> 'internal' \
               AND name NOT IN ('primary_conninfo', 'ssl_passphrase_command', 'application_name', 'client_encoding', \
               'archive_command') ORDER BY 1";
    let rows = place.server.connect("app").unwrap().query(sql, &[]).unwrap();
    for column in [1, 2] {
        let all: Vec<String> = rows
            .iter()
            .map(|row| {
                let text: Option<String> = row.get(column);
                format!("{}: {}", row.get::<_, String>(0), Value::from(text.unwrap_or_default()))
            })
            .collect();
        assert!(all.len() > 250, "{}", all.len());
        place.policy("alter_system", &all.join(", "));
        let plan: Value = serde_json::from_str(&place.run(&["plan", "--format", "json"], 1).stdout).unwrap();
        let differ: Vec<&Value> = plan["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|finding| finding["message"] != "no configuration sets it")
            .collect();
        let steps = plan["steps"].as_array().unwrap().iter().filter(|step| step["action"]["kind"] == "set_setting");
        let steps: Vec<&Value> = steps.map(|step| &step["note"]).collect();
        assert!(steps.is_empty() && differ.is_empty(), "{steps:#?}\n{differ:#?}");
    }
}
