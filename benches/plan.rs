//! `plan` as a whole process against psql reading the same facts, in one run: ratios, never a lone time.
//!
//! `make bench`, or `PGSTRATA_BENCH_PARTITIONS=1000 cargo bench --bench plan` for a smaller world. One table with that
//! many daily partitions (10,000 without the variable, which take the server some minutes to make) of three indexes
//! each. Both programs connect over the same socket, and both discard what they print.

#![allow(clippy::disallowed_methods, reason = "a benchmark starts programs and looks at the clock")]
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a benchmark prints, and ends by panic"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pgstrata::sandbox::{Locator, Options, Sandbox};

const ROUNDS: usize = 7;

fn main() {
    let partitions: u32 = std::env::var("PGSTRATA_BENCH_PARTITIONS").map_or(10_000, |n| n.parse().expect("a number"));
    let locator = Locator {
        pg_bin: std::env::var_os("PGSTRATA_PG_BIN").map(Into::into),
        path: std::env::var_os("PATH"),
        ..Locator::default()
    };
    let server = Sandbox::start(&locator.find().expect("a PostgreSQL server"), Options::default()).expect("a server");
    let url = server.create_database("bench").expect("a database");
    let folder = tempfile::tempdir().expect("a folder");
    println!(
        "PostgreSQL {}, {partitions} partitions of three indexes each, {ROUNDS} rounds, A B A B",
        server.version().version
    );
    make_world(&server, partitions);

    // Debian's /usr/bin/psql is a wrapper in Perl: psql itself, beside the server, starts faster.
    let psql = server.version().dir.join("psql");
    let psql = if psql.exists() { psql } else { "psql".into() };
    if Command::new(&psql).arg("--version").output().is_err() {
        println!("psql is neither beside the server nor on PATH: there is nothing to compare with");
        return;
    }
    let policy = folder.path().join("policy.yaml");
    let text = "version: 1\ntables:\n  public.events: {partition: {key: at, interval: 1 day, premake: 1, start: 2020-01-01}}\n";
    std::fs::write(&policy, text).unwrap();
    let script = folder.path().join("facts.sql");
    std::fs::write(&script, facts_script(&server)).unwrap();
    let read_facts = || {
        run(Command::new(&psql).args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f"]).arg(&script).arg(&url))
    };
    let plan = || run(pgstrata(&policy, &url).arg("plan"));
    compare("plan, against psql reading the same facts", &plan, &read_facts);

    let none = folder.path().join("none.yaml");
    std::fs::write(&none, "version: 1\ntables:\n  public.absent: {partition: {key: at, interval: 1 day}}\n").unwrap();
    let hello = || run(Command::new(&psql).args(["-X", "-q", "-A", "-t", "-c", "SELECT 1"]).arg(&url));
    let idle = || run_any(pgstrata(&none, &url).arg("plan"));
    compare("plan of a table that is not there, against psql -c 'SELECT 1'", &idle, &hello);
    let version = || run(Command::new(env!("CARGO_BIN_EXE_pgstrata")).arg("--version"));
    let psql_version = || run(Command::new(&psql).arg("--version"));
    compare("pgstrata --version, against psql --version", &version, &psql_version);
}

fn make_world(server: &Sandbox, partitions: u32) {
    let mut client = server.connect("bench").expect("a session");
    client
        .batch_execute(
            "CREATE TABLE public.events (id bigint NOT NULL, at timestamptz NOT NULL, body text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
             CREATE INDEX ON public.events (at); CREATE INDEX ON public.events (body, at);
             SET timezone = 'UTC'",
        )
        .unwrap();
    // The days end in the year's future, so that nothing is to be done but read and judge.
    for chunk in (0..partitions).collect::<Vec<_>>().chunks(200) {
        let statements: String = chunk
            .iter()
            .map(|n| {
                format!(
                    "SELECT format('CREATE TABLE public.events_%s PARTITION OF public.events FOR VALUES FROM (%L) TO (%L)', {n}, d, d + interval '1 day') FROM (SELECT date_trunc('day', now()) + interval '10 days' - {n} * interval '1 day' AS d) x \\gexec\n"
                )
            })
            .collect();
        let sql = statements.replace(" \\gexec\n", " UNION ALL ");
        let all = sql.trim_end_matches(" UNION ALL ");
        let rows = client.query(all, &[]).unwrap();
        let ddl: String = rows.iter().map(|row| format!("{};", row.get::<_, String>(0))).collect();
        client.batch_execute(&ddl).unwrap();
    }
    client
        .batch_execute("ANALYZE pg_class; ANALYZE pg_inherits; ANALYZE pg_description; ANALYZE pg_constraint")
        .unwrap();
}

/// The same catalog queries that `plan` sends, with the table's OID written in, in the same kind of transaction.
fn facts_script(server: &Sandbox) -> String {
    let mut client = server.connect("bench").expect("a session");
    let root: u32 = client.query_one("SELECT 'public.events'::regclass::oid", &[]).unwrap().get(0);
    let queries = [
        include_str!("../src/catalog/inspect/leaves.sql"),
        include_str!("../src/catalog/inspect/foreign_keys.sql"),
        include_str!("../src/catalog/inspect/grants.sql"),
        include_str!("../src/catalog/inspect/statistics.sql"),
        include_str!("../src/catalog/inspect/publications.sql"),
        include_str!("../src/catalog/inspect/retired.sql"),
    ];
    let mut script = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;\nSET LOCAL jit = off;\nSET LOCAL max_parallel_workers_per_gather = 0;\n".to_owned();
    for query in queries {
        script.push_str(query.trim().trim_end_matches(';').replace("($1)", &format!("('{{{root}}}'::oid[])")).as_str());
        script.push_str(";\n");
    }
    script.push_str("COMMIT;\n");
    script
}

fn pgstrata(policy: &Path, url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgstrata"));
    command.arg("--color=never").arg("-q").env("PGSTRATA_URL", url).env("PGSTRATA_POLICY", policy);
    command
}

fn run(command: &mut Command) -> Duration {
    let (elapsed, ok) = timed(command);
    assert!(ok, "{command:?} failed");
    elapsed
}

fn run_any(command: &mut Command) -> Duration {
    timed(command).0
}

fn timed(command: &mut Command) -> (Duration, bool) {
    let start = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("it starts");
    (start.elapsed(), status.success())
}

/// Alternates the two, pairs them, and prints the ratio's median, least and greatest.
fn compare(what: &str, ours: &dyn Fn() -> Duration, baseline: &dyn Fn() -> Duration) {
    ours();
    baseline();
    let mut ratios: Vec<f64> = (0..ROUNDS).map(|_| ours().as_secs_f64() / baseline().as_secs_f64()).collect();
    ratios.sort_by(f64::total_cmp);
    println!("{what}: {:.2} × (from {:.2} to {:.2})", ratios[ROUNDS / 2], ratios[0], ratios[ROUNDS - 1]);
}
