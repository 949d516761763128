//! What a role may not read is named with the GRANTs that let it, and a login of an owner that is none is told as that.

use crate::exits::{managed, policy, table};
use crate::support::place::Place;
use crate::support::server;

fn findings(place: &Place, url: &str) -> Vec<serde_json::Value> {
    let plan = place.run(&["plan", "--format", "json", "--url", url], 0).stdout;
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    plan["findings"].as_array().unwrap().clone()
}

/// The statements of a text.
fn statements(text: &str) -> Vec<String> {
    let begins = |part: &str| ["GRANT ", "ALTER DEFAULT "].iter().filter_map(|word| part.find(word)).min();
    text.split(';').filter_map(|part| Some(part[begins(part)?..].to_owned())).collect()
}

#[test]
fn the_grants_that_are_printed_let_planning_read() {
    let keep = "    retention: {keep: 2 days, then: detach}\n    indexes: {what_idx: {columns: [what], where: 'at IS NOT NULL'}}\n";
    let place = Place::new("unread_grants", &table("events", 3), &policy("", &[managed("events", keep)]));
    place.db.batch(
        "CREATE TABLE app.events_default PARTITION OF app.events DEFAULT; CREATE ROLE unread_owner; CREATE ROLE unread_low LOGIN;
         REVOKE ALL ON DATABASE unread_grants FROM PUBLIC; GRANT CONNECT ON DATABASE unread_grants TO unread_low;
         GRANT USAGE, CREATE ON SCHEMA app TO unread_owner;
         DO $$ DECLARE name regclass; BEGIN
           FOR name IN SELECT oid FROM pg_class WHERE relnamespace = 'app'::regnamespace LOOP
             EXECUTE format('ALTER TABLE %s OWNER TO unread_owner', name);
           END LOOP; END $$",
    );
    let url = place.db.url().replace(&format!("user={}", server().superuser()), "user=unread_low");
    let refused: Vec<_> = findings(&place, &url).into_iter().filter(|found| found["code"] == "READ_REFUSED").collect();
    assert_eq!(refused.len(), 2, "{refused:?}");
    for found in &refused {
        for statement in statements(found["hint"].as_str().unwrap()) {
            place.db.batch(&statement);
        }
    }
    let left = findings(&place, &url);
    let unread = ["READ_REFUSED", "UNKNOWN", "INDEX_UNVERIFIED", "DEFAULT_ROWS_UNVERIFIED"];
    assert!(!left.iter().any(|found| unread.iter().any(|code| found["code"] == *code)), "{left:?}");
    // A partition that the owner makes later is read as well.
    place.db.batch(
        "SET SESSION AUTHORIZATION unread_owner;
         CREATE TABLE app.later PARTITION OF app.events FOR VALUES FROM ('2000-01-01Z') TO ('2000-01-02Z')",
    );
    let left = findings(&place, &url);
    assert!(!left.iter().any(|found| unread.iter().any(|code| found["code"] == *code)), "{left:?}");
}

#[test]
fn a_login_of_an_owner_that_is_none_is_told_as_that() {
    let place = Place::new("unread_logins", &table("events", 0), &policy("", &[managed("events", "")]));
    place.db.batch(
        "CREATE ROLE login_owner LOGIN; CREATE ROLE login_other LOGIN; ALTER TABLE app.events OWNER TO login_owner;
         GRANT USAGE, CREATE ON SCHEMA app TO login_owner",
    );
    let url = |user: &str| place.db.url().replace(&format!("user={}", server().superuser()), &format!("user={user}"));
    let with = |owner: &str, url: &str| {
        place.write(
            "pgstrata.yaml",
            &policy(&format!("connection: {{owners: {{{owner}: '{url}'}}}}\n"), &[managed("events", "")]),
        );
    };
    let elsewhere = url("login_owner").replace("/unread_logins?", "/postgres?");
    for (login, says) in [
        (url("nobody_here"), "role \"nobody_here\" does not exist"),
        (url("login_other"), "it connects as login_other, which is not login_owner and may not SET ROLE to it"),
        (elsewhere, "it leads to another database, postgres"),
    ] {
        with("login_owner", &login);
        let said = place.run(&["plan"], 1).stderr;
        assert!(said.contains("connection.owners.login_owner: ") && said.contains(says), "{said}");
        assert!(!said.contains("cannot be read"), "{said}");
    }
    with("login_ownr", &url("login_owner"));
    let plan = place.run(&["plan"], 0).stdout;
    assert!(
        plan.contains("`connection.owners` has a login of login_ownr") && plan.contains("did you mean login_owner?"),
        "{plan}"
    );
    with("login_owner", &url("login_owner"));
    let plan = place.run(&["plan"], 0).stdout;
    assert!(!plan.contains("`connection.owners`"), "{plan}");
}
