//! Every exit code of `apply` that comes after its session: what was done, what was not, and why, in every format.

use serde_json::Value;

use crate::exits::{DROPS, events, managed, partitions, policy, table};
use crate::support::formats::Shown;
use crate::support::place::Place;

const APPLY: [&str; 2] = ["apply", "--auto-approve"];
/// Another session that keeps creations from their table.
const LOCK: &str = "BEGIN; LOCK TABLE app.events IN SHARE UPDATE EXCLUSIVE MODE";
/// A name that messages name it by.
const READER: &str = "SET application_name = 'the reader'";
const IMPATIENT: &str = "apply: {lock_timeout: 50ms, lock_retries: 1, concurrent_timeout: 1s, jobs: 1}\n";

/// An event trigger that does this whenever somebody creates a table.
fn whenever_created(place: &Place, what: &str) {
    place.db.batch(&format!(
        "CREATE FUNCTION whenever_created() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN {what} END $$;
         CREATE EVENT TRIGGER whenever_created ON ddl_command_start WHEN TAG IN ('CREATE TABLE')
         EXECUTE FUNCTION whenever_created();"
    ));
}

const REFUSE: &str = "RAISE EXCEPTION 'no tables on Mondays';";
const KILL_CONTROL: &str = "PERFORM pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1885827956 \
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database());";

/// The results by kind: `create`, `drop`, … with what became of each.
fn results(shown: &Shown) -> Vec<(String, String)> {
    let of = |result: &Value| {
        let word = |value: &Value| value.as_str().unwrap().split(' ').next().unwrap().to_owned();
        (word(&result["step"]), word(&result["result"]))
    };
    shown.json["results"].as_array().unwrap().iter().map(of).collect()
}

fn count(shown: &Shown, result: &str) -> usize {
    results(shown).iter().filter(|(_, of)| of == result).count()
}

/// Says that it matches, nowhere.
fn says_no_match(shown: &Shown) {
    assert_eq!(shown.json["matches_policy"], false);
    for text in [&shown.human, &shown.markdown, &shown.json["message"].to_string()] {
        assert!(!text.contains("matches the policy"), "{text}");
    }
    for text in [&shown.human, &shown.markdown] {
        assert!(text.contains("What remains:"), "{text}");
    }
}

#[test]
fn all_done_and_nothing_to_do_are_0() {
    let place = events("exits_apply");
    for applied in [3, 0] {
        let done = place.shows(&APPLY, 0);
        assert_eq!((count(&done, "applied"), &done.json["matches_policy"]), (applied, &true.into()));
        assert!(done.human.contains("The catalog matches the policy.") && done.markdown.contains("matches the policy"));
        assert!(!done.stderr.contains("error"), "{}", done.stderr);
    }
    assert_eq!(partitions(&place), 4);
}

#[test]
fn a_blocked_drop_is_3_and_remains_with_its_flag() {
    let tables = table("events", 3);
    let place = Place::new("exits_blocked", &tables, &policy("", &[managed("events", DROPS)]));
    place.run(&["plan", "--out", "plan.json"], 0);
    for plan in [&APPLY[..], &["apply", "plan.json"], &APPLY] {
        let blocked = place.shows(plan, 3);
        says_no_match(&blocked);
        assert!(results(&blocked).contains(&("drop".to_owned(), "blocked".to_owned())), "{:?}", results(&blocked));
        let left = &blocked.json["remains"]["steps"];
        assert_eq!((left.as_array().unwrap().len(), &left[0]["blocked"]), (1, &true.into()), "{left}");
        for text in [&blocked.human, &blocked.markdown] {
            assert!(text.contains("--allow deletes-data:app.events") && text.contains("events_3"), "{text}");
        }
    }
    let done = place.shows(&[&APPLY[..], &["--allow", "deletes-data:app.events"]].concat(), 0);
    assert_eq!(done.json["matches_policy"], true);
}

#[test]
fn a_detach_that_somebody_is_in_the_way_of_is_postponed_and_3() {
    let detach = "    retention: {keep: 2 days}\n";
    let place = Place::new("exits_postponed", &table("events", 3), &policy(IMPATIENT, &[managed("events", detach)]));
    let mut reader = place.db.client();
    reader.batch_execute(READER).unwrap();
    reader.batch_execute("BEGIN; SELECT FROM app.events LIMIT 0").unwrap();
    let postponed = place.shows(&APPLY, 3);
    says_no_match(&postponed);
    assert_eq!((count(&postponed, "applied"), count(&postponed, "postponed")), (4, 1), "creations and the marker");
    for text in [&postponed.human, &postponed.markdown] {
        assert!(text.contains("the reader"), "{text}");
    }
    reader.batch_execute("ROLLBACK").unwrap();
    place.shows(&APPLY, 0);
}

#[test]
fn missing_privileges_are_3_and_nothing_ran() {
    let place = events("exits_privileges");
    place.db.batch("CREATE ROLE exits_low LOGIN; GRANT USAGE ON SCHEMA app TO exits_low");
    place.run(&["plan", "--out", "plan.json"], 0);
    let low = place.db.url().replace("user=postgres", "user=exits_low");
    for plan in [&APPLY[..], &["apply", "plan.json"]] {
        let stderr = place.refuses(&[plan, &["--url", &low]].concat(), 3);
        assert!(stderr.contains("Privileges are missing. Nothing ran."), "{stderr}");
        assert!(stderr.contains("exits_low may not SET ROLE postgres, which owns it and is a superuser"), "{stderr}");
        assert!(stderr.contains("hint: ALTER TABLE app.events OWNER TO exits_low;"), "{stderr}");
        assert!(!stderr.contains("GRANT postgres"), "{stderr}");
    }
    assert_eq!(partitions(&place), 1);
    // `plan` says so, and never ends with 3.
    let plan = place.shows(&["plan", "--url", &low], 0);
    assert!(plan.human.contains("may not SET ROLE postgres"), "{}", plan.human);
}

/// Also where the one before it was refused: its backend may live on for a moment.
#[test]
fn the_next_run_finds_the_lock_free() {
    let place = events("exits_at_once");
    place.run(&["plan", "--out", "plan.json"], 0);
    place.run(&APPLY, 0);
    for _ in 0..20 {
        place.run(&APPLY, 0);
        place.run(&["apply", "plan.json"], 0);
    }
}

#[test]
fn a_failure_or_loss_before_the_first_commit_is_1() {
    let place = events("exits_failed");
    whenever_created(&place, REFUSE);
    let failed = place.shows(&APPLY, 1);
    says_no_match(&failed);
    assert_eq!((count(&failed, "failed"), &failed.json["committed"]), (3, &false.into()));
    for text in [&failed.human, &failed.markdown] {
        assert!(text.contains("no tables on Mondays") && text.contains("nothing was committed"), "{text}");
    }
    // The control session is lost while the first unit fails.
    place.db.batch("DROP EVENT TRIGGER whenever_created; DROP FUNCTION whenever_created");
    whenever_created(&place, &format!("{KILL_CONTROL} {REFUSE}"));
    let lost = place.shows(&[&APPLY[..], &["--jobs", "1"]].concat(), 1);
    assert_eq!(lost.json["ended"]["how"], "lost");
    assert_eq!(lost.json["matches_policy"], Value::Null);
    assert_eq!((count(&lost, "failed"), count(&lost, "not_reached")), (1, 2));
    assert!(lost.human.contains("Lost: ") && lost.markdown.contains("Lost: "), "{}", lost.human);
}

#[test]
fn busy_before_the_first_commit_is_5() {
    let place = Place::new("exits_busy", &table("events", 0), &policy(IMPATIENT, &[managed("events", "")]));
    let mut other = place.db.client();
    other.batch_execute(READER).unwrap();
    other.batch_execute(LOCK).unwrap();
    let busy = place.shows(&APPLY, 5);
    says_no_match(&busy);
    assert_eq!((count(&busy, "failed"), &busy.json["committed"]), (3, &false.into()));
    assert_eq!(busy.json["results"][0]["lock_spent"], true);
    for text in [&busy.human, &busy.markdown] {
        assert!(text.contains("(2 tries)") && text.contains("the reader") && text.contains("safe to run"), "{text}");
    }
    let once = place.shows(&[&APPLY[..], &["--lock-retries", "0"]].concat(), 5);
    assert!(once.human.contains("(1 try)"), "{}", once.human);
    other.batch_execute("ROLLBACK").unwrap();
    other.batch_execute("SELECT pg_advisory_lock(1885827956, 1)").unwrap();
    let held = place.refuses(&APPLY, 5);
    assert!(held.contains("the reader") && held.contains("--run-lock-wait"), "{held}");
}

#[test]
fn stopped_part_way_is_6() {
    let place = events("exits_part_way");
    let second = "IF (SELECT count(*) > 1 FROM pg_class WHERE relname ~ '^events_') THEN";
    whenever_created(&place, &format!("{second} {REFUSE} END IF;"));
    let failed = place.shows(&APPLY, 6);
    says_no_match(&failed);
    assert_eq!((count(&failed, "applied"), count(&failed, "failed")), (1, 2));
    assert_eq!(failed.json["committed"], true);
    assert!(failed.human.contains("1 committed") && failed.markdown.contains("1 committed"), "{}", failed.human);

    place.db.batch("DROP EVENT TRIGGER whenever_created; DROP FUNCTION whenever_created");
    whenever_created(&place, KILL_CONTROL);
    let lost = place.shows(&APPLY, 6);
    assert_eq!((count(&lost, "applied"), count(&lost, "not_reached")), (1, 1));
    place.db.batch("DROP EVENT TRIGGER whenever_created");
    place.shows(&APPLY, 0);
}

#[test]
fn a_broken_table_beside_a_good_one_is_1_never_6() {
    let tables = [table("events", 0), "CREATE TABLE app.plain (at timestamptz);".to_owned()].concat();
    let policy = policy("", &[managed("events", ""), managed("gone", ""), managed("plain", "")]);
    let place = Place::new("exits_broken", &tables, &policy);
    for applied in [3, 0] {
        let broken = place.shows(&APPLY, 1);
        says_no_match(&broken);
        assert_eq!(count(&broken, "applied"), applied);
        for text in [&broken.human, &broken.markdown] {
            assert!(text.contains("2 tables could not be checked"), "{text}");
            assert!(text.contains("there is no such table") && text.contains("a plain table"), "{text}");
        }
    }
    assert_eq!(partitions(&place), 4);
    // A saved plan of the same says the same.
    place.run(&["plan", "--out", "plan.json"], 1);
    place.shows(&["apply", "plan.json"], 1);
}

#[test]
fn where_several_apply_the_first_in_order_counts() {
    let tables = [table("events", 3), table("lines", 0)].concat();
    let all = policy(IMPATIENT, &[managed("events", DROPS), managed("gone", ""), managed("lines", "")]);
    let place = Place::new("exits_precedence", &tables, &all);
    let mut other = place.db.client();

    // 5 before 1 and 3: nothing but locks before any commit, beside a broken table and a blocked drop.
    other.batch_execute(LOCK).unwrap();
    let busy = place.shows(&[&APPLY[..], &["--exclude", "app.lines"]].concat(), 5);
    assert!(count(&busy, "blocked") > 0, "{:?}", results(&busy));

    // 6 before 5, 1 and 3: the other table commits.
    let part_way = place.shows(&APPLY, 6);
    assert!(part_way.json["committed"] == true && count(&part_way, "failed") > 0 && count(&part_way, "blocked") > 0);
    other.batch_execute("ROLLBACK").unwrap();

    // 4 before 1 and 3: a plan with a broken table and a blocked drop, and stale.
    place.run(&["plan", "--out", "plan.json"], 1);
    place.db.batch("ALTER TABLE app.events_3 RENAME TO renamed; ALTER TABLE app.events DETACH PARTITION app.renamed");
    let stale = place.refuses(&["apply", "plan.json"], 4);
    assert!(stale.contains("is stale"), "{stale}");
    place.db.batch(
        "DO $$ BEGIN EXECUTE format('ALTER TABLE app.events ATTACH PARTITION app.renamed FOR VALUES FROM (%L) TO (%L)',
           date_trunc('day', now(), 'UTC') - interval '72 hours', date_trunc('day', now(), 'UTC') - interval '48 hours'); END $$",
    );

    // 1 before 3: everything allowed is done, the drop stays blocked, and a table is broken.
    let broken = place.shows(&APPLY, 1);
    assert!(count(&broken, "blocked") > 0 && count(&broken, "failed") == 0, "{:?}", results(&broken));
    assert_eq!(place.shows(&[&APPLY[..], &["--exclude", "app.gone"]].concat(), 3).json["committed"], false);
}
