//! An index that most partitions have and the table has not: said by `partition analyze` and `import`.

use crate::support::place::Place;

const BEFORE: &str = "
    CREATE TABLE ev (at timestamptz NOT NULL, actor int) PARTITION BY RANGE (at);
    DO $$ DECLARE year timestamptz; BEGIN
        SET LOCAL timezone = 'UTC';
        FOR n IN 0 .. 3 LOOP
            year := date_trunc('year', now()) + make_interval(years => n - 2);
            EXECUTE format('CREATE TABLE ev_%s PARTITION OF ev FOR VALUES FROM (%L) TO (%L)', n, year, year + interval '1 year');
        END LOOP;
    END $$;
    CREATE INDEX ON ev_0 (actor, at);
    CREATE INDEX ON ev_1 (actor, at);
    CREATE INDEX ON ev_2 (actor, at);
";
const POLICY: &str = "version: 1\ntables:\n  public.ev:\n    partition: {key: at, interval: 1 year, premake: 1}\n";

fn flat(text: &str) -> String {
    text.split_whitespace().filter(|word| *word != "#").collect::<Vec<_>>().join(" ")
}

#[test]
fn it_is_said_until_the_policy_names_it() {
    let place = Place::new("index_on_most", BEFORE, POLICY);
    let said = "btree (actor, at) on 3 of 4 partitions, such as ev_0_actor_at_idx, and not in the policy: new ones will not have it";
    let analyzed = place.run(&["partition", "analyze"], 0).stdout;
    assert!(flat(&analyzed).contains(said), "{analyzed}");
    let json = place.run(&["partition", "analyze", "--format", "json"], 0).stdout;
    assert!(json.contains("\"unnamed_indexes\"") && json.contains("ev_0_actor_at_idx"), "{json}");
    let imported = place.run(&["import"], 0).stdout;
    assert!(
        flat(&imported).contains(
            "An index btree (actor, at) is on 3 of 4 partitions, such as ev_0_actor_at_idx, and not on the table"
        ),
        "{imported}"
    );
    place.write("pgstrata.yaml", &format!("{POLICY}    indexes: {{by_actor: {{columns: [actor, at]}}}}\n"));
    let named = place.run(&["partition", "analyze"], 0).stdout;
    assert!(!named.contains("new ones will not have it"), "{named}");
}

#[test]
fn what_all_of_the_newest_have_is_said_once() {
    let place = Place::new("index_on_all", &format!("{BEFORE} CREATE INDEX ON ev_3 (actor, at);"), POLICY);
    let imported = place.run(&["import"], 0).stdout;
    assert!(!flat(&imported).contains("An index btree"), "{imported}");
    assert!(imported.contains("new ones will not"), "{imported}");
}
