//! `plan --out p.json; apply p.json`: what is blocked has no effect on what else was reviewed.

use serde_json::Value;

use crate::support::place::Place;

/// Five yearly partitions of which four are past their time: more than leave at once without a grant.
fn yearly(extra: &str) -> String {
    let years: String = (1..=4)
        .map(|ago| {
            format!(
                "EXECUTE format('CREATE TABLE app.ev_%s PARTITION OF app.ev FOR VALUES FROM (%L) TO (%L)', \
                 extract(year FROM now) - {ago} - 1, date_trunc('year', now) - interval '{} years', \
                 date_trunc('year', now) - interval '{ago} years');",
                ago + 1
            )
        })
        .collect();
    format!(
        "CREATE SCHEMA app;
         CREATE TABLE app.ev (at timestamptz NOT NULL, id bigint, body text) PARTITION BY RANGE (at);
         ALTER TABLE app.ev ALTER body SET STORAGE EXTERNAL;
         DO $$ DECLARE now timestamptz := now(); BEGIN
             SET LOCAL timezone = 'UTC';
             {years}
             EXECUTE format('CREATE TABLE app.ev_now PARTITION OF app.ev FOR VALUES FROM (%L) TO (%L)',
                            date_trunc('year', now), date_trunc('year', now) + interval '1 year');
             INSERT INTO app.ev SELECT now, g, NULL FROM generate_series(1, 10) g;
         END $$;
         {extra}"
    )
}

/// A policy of that table, with these lines, and what the whole run may.
fn policy(apply: &str, lines: &str) -> String {
    format!(
        "version: 1\n{apply}tables:\n  app.ev:\n    partition: {{key: at, interval: 1 year, premake: 1, timezone: UTC, default_partition: allow}}\n    \
         retention: {{keep: 1 year}}\n{lines}"
    )
}

const INDEX: &str = "    indexes:\n      ev_id: {columns: [id]}\n";
const PARAMETERS: &str = "    storage_parameters: {autovacuum_vacuum_scale_factor: 0.02}\n";
const UPKEEP: &str = "    maintenance: {analyze_parent_every: 1 day, freeze_closed: true}\n";
const AT_ONCE: &str = "apply: {max_drop: {windows: 3, span: 8 days}}\n";

/// The results of an apply of the file, each as `step: result`.
fn applied(place: &Place, args: &[&str], code: i32) -> Vec<String> {
    let ran = place.run(&[&["apply", "p.json", "--format", "json"], args].concat(), code);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let results = document["results"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    results.map(|result| format!("{}: {}", text(&result["step"]), text(&result["result"]))).collect()
}

fn count(place: &Place, sql: &str) -> i64 {
    place.db.client().query_one(sql, &[]).unwrap().get(0)
}

#[test]
fn beside_blocked_removals_everything_else_of_a_fresh_plan_runs() {
    for (n, lines) in [INDEX, PARAMETERS, UPKEEP].into_iter().enumerate() {
        let place = Place::new(&format!("saved_blocked_{n}"), &yearly(""), &policy(AT_ONCE, lines));
        place.run(&["plan", "--out", "p.json"], 0);
        let results = applied(&place, &[], 3);
        assert_eq!(results.iter().filter(|result| result.ends_with(": blocked")).count(), 12, "{results:?}");
        let done = |result: &&String| result.ends_with(": applied");
        assert!(results.iter().filter(done).count() > 3, "{lines}: {results:?}");
        assert!(results.iter().all(|result| done(&result) || result.ends_with(": blocked")), "{results:?}");
        // What stays, because it may not leave, is like the others.
        let left = match n {
            0 => "SELECT count(*) FROM pg_index WHERE NOT indisvalid",
            1 => "SELECT count(*) FROM pg_class WHERE relname LIKE 'ev\\_%' AND relkind = 'r' AND reloptions IS NULL",
            _ => {
                "SELECT count(*) FROM pg_class WHERE relname LIKE 'ev\\_20%' AND relkind = 'r' \
                  AND reltuples = -1 AND relname < 'ev_' || extract(year FROM now())"
            }
        };
        assert_eq!(count(&place, left), 0, "{lines}");
        // The same file once more has nothing to do but what is blocked.
        let again = applied(&place, &[], 3);
        assert!(
            again.iter().all(|result| !result.ends_with(": applied") && !result.ends_with(": failed")),
            "{again:?}"
        );
    }
}

#[test]
fn a_grant_at_apply_makes_removals_happen_and_supersedes_what_was_for_the_partitions_that_leave() {
    let place = Place::new("saved_granted", &yearly(""), &policy(AT_ONCE, &format!("{INDEX}{PARAMETERS}{UPKEEP}")));
    place.run(&["plan", "--out", "p.json"], 0);
    let results = applied(&place, &["--max-drop", "9"], 0);
    let of = |result: &str| results.iter().filter(|line| line.ends_with(result)).count();
    assert_eq!((of(": blocked"), of(": failed"), of(": skipped")), (0, 0, 0), "{results:?}");
    assert!(of(": superseded") > 0, "{results:?}");
    assert!(results.iter().any(|line| line.starts_with("detach ") && line.ends_with(": applied")), "{results:?}");
    assert_eq!(count(&place, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'app.ev'::regclass"), 2);
    assert_eq!(count(&place, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 0);
    place.run(&["drift"], 0);

    // The other way round: what was granted to the plan and is not to the apply is blocked, and the rest goes on.
    let place = Place::new("saved_ungranted", &yearly(""), &policy(AT_ONCE, &format!("{INDEX}{PARAMETERS}")));
    place.run(&["plan", "--out", "p.json", "--max-drop", "9"], 0);
    let results = applied(&place, &[], 3);
    assert!(results.iter().any(|line| line.starts_with("detach ") && line.ends_with(": blocked")), "{results:?}");
    assert!(results.iter().any(|line| line.starts_with("build index ") && line.ends_with(": applied")), "{results:?}");
    // What the partitions that stay need now was not reviewed: it is listed, and the next plan has it.
    let document = place.run(&["plan", "--format", "json"], 0).stdout;
    assert!(document.contains("build index app.ev_"), "{document}");
    assert_eq!(count(&place, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'app.ev'::regclass"), 6);
}

#[test]
fn what_a_missing_right_blocks_stales_nothing_else() {
    // A partition of somebody else's, whom the session may not become, keeps nothing else waiting.
    let place = Place::new(
        "saved_rights",
        &yearly(
            "DO $$ BEGIN CREATE ROLE saved_owner; CREATE ROLE saved_other; CREATE ROLE saved_deployer LOGIN IN ROLE saved_owner;
             EXCEPTION WHEN duplicate_object THEN NULL; END $$;
             GRANT ALL ON SCHEMA app TO saved_owner, saved_other;
             ALTER TABLE app.ev OWNER TO saved_owner;
             DO $$ DECLARE leaf regclass; BEGIN
                 FOR leaf IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'app.ev'::regclass LOOP
                     EXECUTE format('ALTER TABLE %s OWNER TO saved_owner', leaf);
                 END LOOP;
             END $$;
             ALTER TABLE app.ev_now OWNER TO saved_other;
             GRANT SELECT ON app.ev_now TO saved_deployer;",
        ),
        &policy("apply: {max_drop: {windows: 9, span: 9 years}}\n", PARAMETERS),
    );
    let as_deployer = |args: &[&str], code: i32| {
        let url =
            place.db.url().replace(&format!("user={}", crate::support::server().superuser()), "user=saved_deployer");
        let mut command = place.command(args);
        crate::support::place::ran(command.env("PGSTRATA_URL", url), code)
    };
    as_deployer(&["plan", "--out", "p.json"], 0);
    let shown = as_deployer(&["apply", "p.json"], 3);
    assert!(shown.stdout.contains("saved_other"), "{}", shown.stdout);
    assert_eq!(count(&place, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'app.ev'::regclass"), 2);
}

/// What a plain build, or an attach beside a default partition, is no longer quick for.
const NINE_MEGABYTES: &str = "SELECT {at}, 0, repeat('x', 8000) FROM generate_series(1, 1200)";
const ALL_MAY_LEAVE: &str = "apply: {max_drop: {windows: 9, span: 9 years}}\n";

#[test]
fn a_partition_that_has_grown_supersedes_its_own_build_and_stales_nothing() {
    let place = Place::new("saved_grown", &yearly(""), &policy(ALL_MAY_LEAVE, &format!("{INDEX}{PARAMETERS}")));
    place.run(&["plan", "--out", "p.json"], 0);
    // A little more is no other plan.
    place.db.batch("INSERT INTO app.ev SELECT now(), g, repeat('x', 100) FROM generate_series(1, 1000) g");
    place.db.batch(&format!("INSERT INTO app.ev {}", NINE_MEGABYTES.replace("{at}", "now()")));
    let results = applied(&place, &[], 3);
    for wanted in ["build index app.ev_now_id: superseded", "attach index app.ev_now_id: superseded"] {
        assert!(results.iter().any(|result| result == wanted), "{wanted}: {results:?}");
    }
    let others = results.iter().filter(|result| !result.contains("app.ev_now_id"));
    assert!(others.clone().all(|result| result.ends_with(": applied")), "{results:?}");
    assert!(others.clone().any(|result| result.starts_with("create app.ev_p")), "{results:?}");
    assert!(others.clone().any(|result| result.starts_with("detach ")), "{results:?}");
    let shown = place.run(&["apply", "p.json"], 3);
    assert!(
        shown.stdout.contains("app.ev_now has grown since") && !shown.stdout.contains("matches"),
        "{}",
        shown.stdout
    );
    place.run(&["apply", "--auto-approve"], 0);
    assert_eq!(count(&place, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 0);
}

#[test]
fn growth_below_the_limit_changes_no_plan() {
    let place = Place::new("saved_grown_little", &yearly(""), &policy(ALL_MAY_LEAVE, INDEX));
    place.run(&["plan", "--out", "p.json"], 0);
    place.db.batch("INSERT INTO app.ev SELECT now(), g, repeat('x', 1000) FROM generate_series(1, 1000) g");
    let results = applied(&place, &[], 0);
    assert!(results.iter().all(|result| result.ends_with(": applied")), "{results:?}");
}

#[test]
fn a_default_partition_that_has_grown_blocks_creations_and_stales_nothing() {
    let default = "CREATE TABLE app.ev_default PARTITION OF app.ev DEFAULT;";
    let place = Place::new("saved_default", &yearly(default), &policy(ALL_MAY_LEAVE, &format!("{INDEX}{PARAMETERS}")));
    place.run(&["plan", "--out", "p.json"], 0);
    place.db.batch(&format!("INSERT INTO app.ev {}", NINE_MEGABYTES.replace("{at}", "'1990-01-01'")));
    let results = applied(&place, &[], 3);
    let of = |word: &str, result: &str| {
        results.iter().filter(|line| line.starts_with(word) && line.ends_with(result)).count()
    };
    assert_eq!((of("create app.ev_p", ": blocked"), of("", ": failed"), of("", ": skipped")), (1, 0, 0), "{results:?}");
    assert_eq!(of("create index ", ": applied"), 1, "{results:?}");
    assert_eq!(of("build index app.ev_default_id", ": superseded"), 1, "{results:?}");
    // The last index is the one that the partition would have needed.
    assert_eq!(of("build index app.ev_now_id", ": applied"), 1, "{results:?}");
}

#[test]
fn the_command_to_paste_stands_alone_and_runs() {
    let place = Place::new("saved_paste", &yearly(""), &policy(ALL_MAY_LEAVE, ""));
    std::fs::rename(place.path("pgstrata.yaml"), place.path("it's mine.yaml")).unwrap();
    let url = place.db.url().to_owned();
    let plain = |args: &[&str], code: i32| {
        let mut command = place.command(args);
        crate::support::place::ran(command.env_remove("PGSTRATA_URL"), code)
    };
    let said = plain(&["plan", "-p", "it's mine.yaml", "--url", &url, "--out", "the plan.json"], 0).stderr;
    assert!(said.ends_with('\n') && !said.contains("set PGSTRATA_URL"), "{said}");
    let command = said.lines().next_back().unwrap();
    assert!(command.starts_with("pgstrata apply 'the plan.json' -p 'it'\\''s mine.yaml' --url "), "{said}");
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_pgstrata")).parent().unwrap();
    let mut shell = assert_cmd::Command::new("sh");
    shell.env_clear().env("PATH", format!("{}:/usr/bin:/bin", binary.display())).env("HOME", place.path(""));
    let ran = crate::support::place::ran(shell.current_dir(place.path("")).args(["-c", command]), 0);
    assert!(ran.stdout.contains("The catalog matches the policy."), "{}", ran.stdout);
}

#[test]
fn how_long_a_plan_file_lets_wait_is_shown_and_capped() {
    let place = Place::new("saved_timeout", &yearly(""), &policy(ALL_MAY_LEAVE, ""));
    place.run(&["plan", "--out", "p.json", "--lock-timeout", "1h", "--lock-retries", "7"], 0);
    let said = place.run(&["apply", "p.json", "-v"], 0).stderr;
    assert!(said.contains("lock_timeout of the plan: 3600 s, capped by the policy's 200 ms"), "{said}");
    assert!(said.contains("lock_retries of the plan: 7\n"), "{said}");
    assert!(said.contains("lock_timeout = '200ms'") && !said.contains("3600000"), "{said}");
}
