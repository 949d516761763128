//! Questions: each answer, and what becomes of it when the server will not say.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use pgstrata::catalog::{Answer, InspectError, Oid, Question, RowCount, Snapshot, ask};
use pgstrata::grid::{KeyKind, KeyValue};
use pgstrata::sql::TableName;
use postgres::Client;

use crate::catalog::{client_as, inspect_as, leaf, oid, role, root, table};
use crate::support::{TestDb, database};

const MONTHS: &str = "CREATE TABLE r (at timestamptz) PARTITION BY RANGE (at);
    CREATE TABLE r1 PARTITION OF r FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
    CREATE TABLE r2 PARTITION OF r FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-03-01 00:00+00');
    CREATE TABLE r3 PARTITION OF r FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
    CREATE TABLE r4 PARTITION OF r FOR VALUES FROM ('2026-04-01 00:00+00') TO (MAXVALUE);
    CREATE TABLE rest PARTITION OF r DEFAULT;";

fn ask_one(client: &mut Client, snapshot: &mut Snapshot, question: &Question) -> Answer {
    ask(client, snapshot, &BTreeSet::from([question.clone()])).unwrap_or_else(|error| panic!("{error}"));
    assert!(snapshot.answers.has(question));
    snapshot.answers.get(question)
}

fn newest(client: &mut Client, name: &str) -> Answer {
    let mut snapshot = inspect_as(client, &[name]);
    let root = root(&snapshot, name).oid;
    ask_one(client, &mut snapshot, &Question::NewestNonEmpty { root })
}

fn rows_between(from: &str, to: &str) -> impl Fn(&mut Client, &str, &str) -> Answer {
    let [from, to] = [from, to].map(|text| KeyValue::parse(KeyKind::Timestamptz, text).unwrap());
    move |client, name, default| {
        let mut snapshot = inspect_as(client, &[name]);
        let (leaf, _) = leaf(root(&snapshot, name), default);
        ask_one(client, &mut snapshot, &Question::DefaultRows { leaf, from, to: to.into() })
    }
}

fn unknown(answer: &Answer) -> &str {
    match answer {
        Answer::Unknown(because) => because,
        other @ (Answer::Leaf(_)
        | Answer::Keys(_)
        | Answer::Rows(_)
        | Answer::Bytes(_)
        | Answer::DefaultKeys(_)
        | Answer::Shape(_)
        | Answer::Withheld(_)
        | Answer::Refused(_)
        | Answer::Spelling(_)
        | Answer::Bloat(_)
        | Answer::Found(_)
        | Answer::Taken(_)) => {
            panic!("{other:?}")
        }
    }
}

fn lock(db: &TestDb, tables: &str) -> Client {
    let mut holder = db.client();
    holder.batch_execute(&format!("BEGIN; LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")).unwrap();
    holder
}

#[test]
fn the_newest_bounded_partition_with_rows() {
    let db = database("ask_newest");
    let mut client = db.client();
    client.batch_execute(MONTHS).unwrap();
    assert_eq!(newest(&mut client, "public.r"), Answer::Leaf(None));
    client.batch_execute("INSERT INTO r VALUES ('2026-01-02'), (NULL), ('2026-07-01')").unwrap();
    let (r1, r3) = (oid(&mut client, "public.r1"), oid(&mut client, "public.r3"));
    assert_eq!(newest(&mut client, "public.r"), Answer::Leaf(Some(r1)), "neither the default nor MAXVALUE count");
    client.batch_execute("INSERT INTO r VALUES ('2026-03-02')").unwrap();
    assert_eq!(newest(&mut client, "public.r"), Answer::Leaf(Some(r3)));
    client.batch_execute("DELETE FROM r3").unwrap();
    assert_eq!(newest(&mut client, "public.r"), Answer::Leaf(Some(r1)), "dead rows are none");

    let mut snapshot = inspect_as(&mut client, &["public.r"]);
    let stranger = ask_one(&mut client, &mut snapshot, &Question::NewestNonEmpty { root: Oid(1) });
    assert!(unknown(&stranger).contains("not among"));
}

#[test]
fn a_locked_partition_makes_only_its_own_answer_unknown() {
    let db = database("ask_locked");
    let mut client = db.client();
    client.batch_execute(MONTHS).unwrap();
    let holder = lock(&db, "r2");
    let began = Instant::now();
    let nothing_found = newest(&mut client, "public.r");
    let because = unknown(&nothing_found);
    assert!(because.starts_with("public.r2 is locked by process ") && because.ends_with("; run again"), "{because}");

    client.batch_execute("INSERT INTO r1 VALUES ('2026-01-02')").unwrap();
    let r1 = oid(&mut client, "public.r1");
    assert_eq!(
        newest(&mut client, "public.r"),
        Answer::Leaf(Some(r1)),
        "a locked one is never taken for one with rows"
    );
    assert!(began.elapsed() < Duration::from_secs(25));
    drop(holder);
}

#[test]
fn hundreds_of_empty_partitions_of_several_owners() {
    let db = database("ask_many");
    let mut client = db.client();
    role(&mut client, "ask_many_other", "");
    client
        .batch_execute(
            "CREATE TABLE r (at date) PARTITION BY RANGE (at);
            DO $$ BEGIN FOR i IN 0..299 LOOP
                EXECUTE format('CREATE TABLE r%s PARTITION OF r FOR VALUES FROM (%L) TO (%L)', i, date '2026-01-01' + i,
                               date '2026-01-01' + i + 1);
                IF i % 7 = 0 THEN EXECUTE format('ALTER TABLE r%s OWNER TO ask_many_other', i); END IF;
            END LOOP; END $$; INSERT INTO r VALUES ('2026-01-03')",
        )
        .unwrap();
    let third = oid(&mut client, "public.r2");
    assert_eq!(newest(&mut client, "public.r"), Answer::Leaf(Some(third)));
}

#[test]
fn partitions_that_are_foreign_partitioned_or_pending() {
    let db = database("ask_kinds");
    let mut client = db.client();
    client
        .batch_execute(
            "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w;
            CREATE TABLE r (at date) PARTITION BY RANGE (at);
            CREATE TABLE r1 PARTITION OF r FOR VALUES FROM ('2026-01-01') TO ('2026-02-01') PARTITION BY RANGE (at);
            CREATE TABLE r1a PARTITION OF r1 DEFAULT;
            CREATE TABLE r2 PARTITION OF r FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
            CREATE FOREIGN TABLE r3 PARTITION OF r FOR VALUES FROM ('2026-03-01') TO ('2026-04-01') SERVER far;",
        )
        .unwrap();
    let nobody = newest(&mut client, "public.r");
    assert!(unknown(&nobody).starts_with("public.r3: "), "{nobody:?}");
    client.batch_execute("INSERT INTO r1 VALUES ('2026-01-02'); INSERT INTO r2 VALUES ('2026-02-02')").unwrap();
    let (r1, r2) = (oid(&mut client, "public.r1"), oid(&mut client, "public.r2"));
    assert_eq!(newest(&mut client, "public.r"), Answer::Leaf(Some(r2)));

    let mut reading = db.client();
    reading.batch_execute("BEGIN; SELECT FROM r2; LOCK TABLE r IN ACCESS SHARE MODE").unwrap();
    client.batch_execute("SET statement_timeout = '200ms'").unwrap();
    client.batch_execute("ALTER TABLE r DETACH PARTITION r2 CONCURRENTLY").unwrap_err();
    assert_eq!(newest(&mut client, "public.r"), Answer::Leaf(Some(r1)), "the one that leaves protects nothing");
}

#[test]
fn rows_of_a_default_partition_in_a_window() {
    let db = database("ask_rows");
    let mut client = db.client();
    client
        .batch_execute(
            &MONTHS.replace(
                "(at timestamptz) PARTITION BY RANGE (at)",
                "(\"At\" timestamptz) PARTITION BY RANGE (\"At\")",
            ),
        )
        .unwrap();
    client
        .batch_execute(
            "INSERT INTO rest SELECT '2025-12-01 00:00+00' FROM generate_series(1, 10001);
            INSERT INTO rest VALUES ('2025-11-01 00:00+00'), ('2025-11-30 23:59:59.999999+00'), (NULL)",
        )
        .unwrap();
    let december = rows_between("2025-12-01 00:00:00+00", "2026-01-01 00:00:00+00");
    assert_eq!(december(&mut client, "public.r", "public.rest"), Answer::Rows(RowCount::AtLeast(10_000)));
    let november = rows_between("2025-11-01 00:00:00+00", "2025-12-01 00:00:00+00");
    assert_eq!(november(&mut client, "public.r", "public.rest"), Answer::Rows(RowCount::Exactly(2)));
    let october = rows_between("2025-10-01 00:00:00+00", "2025-11-01 00:00:00+00");
    assert_eq!(october(&mut client, "public.r", "public.rest"), Answer::Rows(RowCount::Exactly(0)));

    let _holder = lock(&db, "rest");
    assert!(unknown(&october(&mut client, "public.r", "public.rest")).starts_with("public.rest is locked by process "));
}

#[test]
fn row_security_never_makes_rows_look_absent() {
    let db = database("ask_row_security");
    let mut admin = db.client();
    for (name, rest) in
        [("ask_rls_owner", ""), ("ask_rls_login", "LOGIN IN ROLE ask_rls_owner"), ("ask_rls_other", "LOGIN")]
    {
        role(&mut admin, name, rest);
    }
    admin.batch_execute(MONTHS).unwrap();
    admin
        .batch_execute(
            "INSERT INTO r VALUES ('2025-12-02'), ('2026-03-02'); GRANT USAGE ON SCHEMA public TO ask_rls_owner;
            DO $$ DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['r', 'r1', 'r2', 'r3', 'r4', 'rest'] LOOP
                EXECUTE format('ALTER TABLE %I OWNER TO ask_rls_owner', t);
                EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
            END LOOP; END $$",
        )
        .unwrap();
    let december = rows_between("2025-12-01 00:00:00+00", "2026-01-01 00:00:00+00");
    let mut login = client_as(&db, "ask_rls_login");
    let r3 = oid(&mut admin, "public.r3");
    assert_eq!(december(&mut login, "public.r", "public.rest"), Answer::Rows(RowCount::Exactly(1)), "as the owner");
    assert_eq!(newest(&mut login, "public.r"), Answer::Leaf(Some(r3)));
    let now: String = login.query_one("SELECT current_user::text", &[]).unwrap().get(0);
    assert_eq!(now, "ask_rls_login", "and only for the question");

    admin.batch_execute("ALTER TABLE rest FORCE ROW LEVEL SECURITY; ALTER TABLE r3 FORCE ROW LEVEL SECURITY").unwrap();
    let forced = december(&mut login, "public.r", "public.rest");
    assert!(unknown(&forced).contains("row-level security"), "{forced:?}");
    let forced = newest(&mut login, "public.r");
    assert!(unknown(&forced).starts_with("public.r3: "), "{forced:?}");

    admin.batch_execute("ALTER ROLE ask_rls_login BYPASSRLS; GRANT SELECT ON rest TO ask_rls_login").unwrap();
    let bypassing = december(&mut login, "public.r", "public.rest");
    assert_eq!(bypassing, Answer::Rows(RowCount::Exactly(1)), "where the owner may not, the session's role still may");

    let mut other = client_as(&db, "ask_rls_other");
    assert!(unknown(&december(&mut other, "public.r", "public.rest")).contains("42501"));
}

#[test]
fn sizes_are_exact_and_a_locked_relation_is_unknown() {
    let db = database("ask_bytes");
    let mut client = db.client();
    client.batch_execute(MONTHS).unwrap();
    client
        .batch_execute("INSERT INTO r1 SELECT '2026-01-02' FROM generate_series(1, 5000); CREATE INDEX ON r1 (at)")
        .unwrap();
    let mut snapshot = inspect_as(&mut client, &["public.r"]);
    let [r, r1, r2] =
        ["public.r", "public.r1", "public.r2"].map(|name| Question::Bytes { relation: oid(&mut client, name) });
    let gone = Question::Bytes { relation: Oid(4_000_000_000) };
    let _holder = lock(&db, "r2");
    let all = BTreeSet::from([r.clone(), r1.clone(), r2.clone(), gone.clone()]);
    ask(&mut client, &mut snapshot, &all).unwrap();
    let exact: i64 = client.query_one("SELECT pg_total_relation_size('public.r1')", &[]).unwrap().get(0);
    assert!(exact > 200_000);
    assert_eq!(snapshot.answers.get(&r1), Answer::Bytes(exact as u64));
    assert!(unknown(&snapshot.answers.get(&r2)).contains("r2 is locked by process "));
    assert!(unknown(&snapshot.answers.get(&r)).contains("no storage"));
    assert!(unknown(&snapshot.answers.get(&gone)).contains("gone"));
}

#[test]
fn names_that_a_new_table_cannot_have() {
    let db = database("ask_names");
    let mut client = db.client();
    client
        .batch_execute(
            r#"CREATE TABLE "Taken" (id int); CREATE INDEX an_index ON "Taken" (id); CREATE TYPE a_type AS ENUM ();
            CREATE TABLE plain (id int)"#,
        )
        .unwrap();
    let mut snapshot = inspect_as(&mut client, &[]);
    let names = [
        (r#"public."Taken""#, true),
        ("public.an_index", true),
        ("public.a_type", true),
        ("public.taken", false),
        ("public._plain", false),
        ("nowhere.plain", false),
    ];
    let questions = names.map(|(name, _)| Question::NameTaken { name: table(name) });
    ask(&mut client, &mut snapshot, &questions.clone().into()).unwrap();
    for ((name, taken), question) in names.iter().zip(&questions) {
        assert_eq!(snapshot.answers.get(question), Answer::Taken(*taken), "{name}");
    }
    client.batch_execute("CREATE TABLE public._plain (id int)").unwrap();
}

#[test]
fn a_name_that_changed_hands_is_not_believed() {
    let db = database("ask_renamed");
    let mut client = db.client();
    client.batch_execute(MONTHS).unwrap();
    let mut snapshot = inspect_as(&mut client, &["public.r"]);
    client
        .batch_execute(
            "ALTER TABLE rest RENAME TO old_rest; CREATE TABLE rest (at timestamptz); ALTER TABLE r1 RENAME TO r1_old;
            CREATE TABLE r1 (at timestamptz); INSERT INTO r1 VALUES ('2026-01-02')",
        )
        .unwrap();
    let root = root(&snapshot, "public.r");
    let (rest, _) = leaf(root, "public.rest");
    let newest = Question::NewestNonEmpty { root: root.oid };
    let [from, to] = ["2025-12-01 00:00:00+00", "2026-01-01 00:00:00+00"]
        .map(|text| KeyValue::parse(KeyKind::Timestamptz, text).unwrap());
    let answer = ask_one(&mut client, &mut snapshot, &Question::DefaultRows { leaf: rest, from, to: to.into() });
    assert!(unknown(&answer).contains("public.rest is not the table"), "{answer:?}");
    let answer = ask_one(&mut client, &mut snapshot, &newest);
    assert!(unknown(&answer).contains("public.r1 is not the table"), "{answer:?}");
}

#[test]
fn a_lost_connection_is_an_error() {
    let db = database("ask_lost");
    let mut client = db.client();
    let mut snapshot = inspect_as(&mut client, &[]);
    let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    db.client().execute("SELECT pg_terminate_backend($1)", &[&pid]).unwrap();
    let question = Question::NameTaken { name: TableName::new("public", "x") };
    let error = ask(&mut client, &mut snapshot, &BTreeSet::from([question.clone()])).unwrap_err();
    assert!(matches!(error, InspectError::Server { .. } | InspectError::Lost { .. }), "{error}");
    assert!(!snapshot.answers.has(&question));
}
