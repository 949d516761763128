//! A GRANT that is printed helps: run as it stands, it unblocks what it was printed for.

use crate::exits::{managed, policy, table};
use crate::support::place::{Place, ran};
use crate::support::server;

/// What follows the last "GRANT" of each line that has one, without the brackets around it.
fn grants(text: &str) -> Vec<String> {
    let found = text.lines().filter_map(|line| line.find("GRANT ").map(|at| line[at..].trim_end_matches([';', ')'])));
    let mut all: Vec<String> = found.map(str::to_owned).collect();
    all.sort();
    all.dedup();
    all
}

fn place(name: &str) -> (Place, String, String) {
    let place = Place::new(name, &table("events", 0), &policy("", &[managed("events", "")]));
    let (owner, low) = (format!("{name}_owner"), format!("{name}_low"));
    place.db.batch(&format!(
        "CREATE ROLE {owner}; CREATE ROLE {low} LOGIN;
         ALTER TABLE app.events OWNER TO {owner}; ALTER TABLE app.events_0 OWNER TO {owner};
         GRANT USAGE, CREATE ON SCHEMA app TO {owner}; GRANT USAGE ON SCHEMA app TO {low};"
    ));
    // A member that may not become the owner: on 16 and later a GRANT that says nothing of it changes nothing.
    if server().version().major >= 16 {
        place.db.batch(&format!("GRANT {owner} TO {low} WITH INHERIT FALSE, SET FALSE"));
    }
    let url = place.db.url().replace(&format!("user={}", server().superuser()), &format!("user={low}"));
    (place, owner, url)
}

#[test]
fn the_membership_that_apply_asks_for_is_enough() {
    let (place, owner, url) = place("grants_apply");
    let plan = place.run(&["plan", "--url", &url], 0).stdout;
    let refused = place.run(&["apply", "--auto-approve", "--url", &url], 3).stderr;
    let printed = grants(&refused);
    assert!(printed.len() == 1 && printed[0].starts_with(&format!("GRANT {owner} TO grants_apply_low")), "{refused}");
    assert!(plan.contains(&printed[0]), "{} is not in\n{plan}", printed[0]);
    place.db.batch(&printed[0]);
    place.run(&["apply", "--auto-approve", "--url", &url], 0);
}

#[test]
fn the_membership_that_hold_asks_for_is_enough() {
    let (place, owner, url) = place("grants_hold");
    for args in [&["hold", "app.events_0", "--reason", "x"][..], &["unhold", "app.events_0", "--auto-approve"]] {
        place.db.batch("COMMENT ON TABLE app.events_0 IS 'pgstrata: hold for now'");
        let refused = ran(place.command(args).args(["--url", &url]), 1).stderr;
        let printed = grants(&refused);
        assert!(
            printed.len() == 1 && printed[0].starts_with(&format!("GRANT {owner} TO grants_hold_low")),
            "{refused}"
        );
        place.db.batch(&printed[0]);
        ran(place.command(args).args(["--url", &url]), 0);
        place.db.batch(&format!("REVOKE {owner} FROM grants_hold_low"));
        if server().version().major >= 16 {
            place.db.batch(&format!("GRANT {owner} TO grants_hold_low WITH INHERIT FALSE, SET FALSE"));
        }
    }
    // The owner has lost the schema: the session cannot help itself either.
    place.db.batch(&format!("GRANT {owner} TO grants_hold_low; REVOKE USAGE ON SCHEMA app FROM {owner}"));
    if server().version().major >= 16 {
        place.db.batch(&format!("GRANT {owner} TO grants_hold_low WITH SET TRUE"));
    }
    let args = ["hold", "app.events_0", "--reason", "y", "--url", &url];
    let refused = place.command(&args).output().unwrap();
    if refused.status.code() == Some(1) {
        let printed = grants(&String::from_utf8(refused.stderr).unwrap());
        assert_eq!(printed, [format!("GRANT USAGE ON SCHEMA app TO {owner}")]);
        place.db.batch(&printed[0]);
    }
    place.run(&args, 0);
}
