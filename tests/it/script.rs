//! The script for psql, run by psql.

use std::time::Duration;

use pgstrata::db::{Connector, Env, resolve};
use pgstrata::plan::{GrantSource, Granted, Plan, PlanOptions, Summary, plan};
use pgstrata::policy::{self, Desired, Source};
use pgstrata::render::script;

use crate::support::formats::{psql, run_psql};
use crate::support::{TestDb, database, explain};

fn planned(db: &TestDb, desired: &Desired, grants: &[&str]) -> Plan {
    let info = resolve(Some(db.url()), &Env::default()).unwrap();
    let connector = Connector::new(info, "pgstrata/test").unwrap();
    let mut session = connector.connect(Duration::from_secs(10)).unwrap();
    let mut options = PlanOptions::at("2000-01-01T00:00:00Z".parse().unwrap());
    for grant in grants {
        options.grants.insert(Granted { grant: grant.parse().unwrap(), source: GrantSource::Flag });
    }
    let (snapshot, options) = pgstrata::catalog::take(&mut session, desired, &options, None).unwrap();
    plan(desired, &snapshot, &options)
}

fn script_of(plan: &Plan) -> String {
    let mut text = String::new();
    script::plan(plan, &mut text).unwrap();
    text
}

/// A name that would end a comment, begin a command of psql's, and name a variable of its.
const TABLE: &str = "\"S p\".\"Ev \"\"x\"\" \n\\! false\n :HOST $pgstrata$ é\"";

#[test]
fn a_script_does_what_its_plan_says_and_leaves_out_what_is_blocked() {
    let Some(psql) = psql() else { return };
    let db = database("script");
    db.batch(&format!(
        r#"CREATE SCHEMA "S p"; CREATE TABLE {TABLE} (at timestamptz NOT NULL) PARTITION BY RANGE (at);
        DO $do$ DECLARE day date; BEGIN
          FOR back IN -1 .. 6 LOOP
            day := (now() AT TIME ZONE 'UTC')::date - back;
            EXECUTE format('CREATE TABLE "S p".%I PARTITION OF {name} FOR VALUES FROM (%L) TO (%L)',
                'day ' || day, day || ' 00:00+00', (day + 1) || ' 00:00+00');
            EXECUTE format('INSERT INTO "S p".%I VALUES (%L)', 'day ' || day, day || ' 12:00+00');
          END LOOP;
        END $do$;"#,
        name = TABLE.replace('%', "%%"),
    ));
    let key = serde_json::to_string(TABLE).unwrap();
    let yaml = format!(
        "version: 1\ntables:\n  {key}:\n    partition: {{key: at, interval: 1 day, premake: 3, name: 'p{{start:%Y%m%d}}'}}\n    \
         retention: {{keep: 4 days, then: drop, grace: 0 days}}\n"
    );
    let (policy, _) = policy::load(&[Source::new("pgstrata.yaml", yaml)], None, &|_| None)
        .unwrap_or_else(|errors| panic!("{errors:?}"));
    let desired = policy.resolve().unwrap();

    let first = planned(&db, &desired, &[]);
    assert!(first.summary.create >= 2 && first.summary.detach >= 1, "{:?}", first.summary);
    assert_eq!(first.summary.drop, first.summary.detach);
    assert!(first.summary.blocked >= first.summary.drop, "{:?}", first.summary);
    let text = script_of(&first);
    let output = run_psql(&psql, &db, &text);
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));

    let second = planned(&db, &desired, &["deletes-data"]);
    let Summary { create, detach, blocked, .. } = second.summary;
    assert_eq!((create, detach, blocked), (0, 0, 0), "the first script did all that may run");
    assert_eq!(second.summary.drop, first.summary.drop);
    let output = run_psql(&psql, &db, &script_of(&second));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(planned(&db, &desired, &[]).is_empty());

    // Nothing is as planned any more: the first check stops it, with nothing done.
    let before = relations(&db);
    let output = run_psql(&psql, &db, &text);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not as planned any more"));
    assert_eq!(relations(&db), before);
}

#[test]
fn a_script_stops_on_another_database_and_where_its_plan_is_for_reading() {
    let Some(psql) = psql() else { return };
    let db = database("script_elsewhere");
    db.batch("CREATE TABLE t (at timestamptz NOT NULL) PARTITION BY RANGE (at)");
    let yaml = "version: 1\ntables:\n  public.t:\n    partition: {key: at, interval: 1 month}\n";
    let (policy, _) = policy::load(&[Source::new("pgstrata.yaml", yaml)], None, &|_| None).unwrap();
    let plan = planned(&db, &policy.resolve().unwrap(), &[]);
    let mut elsewhere = plan.clone();
    elsewhere.target.database = "it's another".to_owned();
    let mut reading = plan;
    reading.applyable = false;
    reading.not_applyable_because = Some("it was made from a file".to_owned());
    for (plan, message) in [
        (elsewhere, "this plan is for database it's another"),
        (reading, "this plan is for reading only: it was made from a file"),
    ] {
        let output = run_psql(&psql, &db, &script_of(&plan));
        assert_eq!(output.status.code(), Some(3));
        assert!(String::from_utf8_lossy(&output.stderr).contains(message));
    }
    assert_eq!(relations(&db), ["t"]);
}

fn relations(db: &TestDb) -> Vec<String> {
    let sql = "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace::regnamespace::text !~ '^pg_|^information' ORDER BY 1";
    let rows = db.client().query(sql, &[]).unwrap_or_else(|error| panic!("{}", explain(&error)));
    rows.iter().map(|row| row.get(0)).collect()
}
