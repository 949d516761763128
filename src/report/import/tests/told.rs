//! What bounds do not tell, and pg_partman does.

use std::collections::BTreeMap;

use super::{Found, T};
use crate::catalog::Survey;
use crate::report::import::from_database;

#[test]
fn what_tells_no_interval_is_left_out() {
    for (found, why) in [
        (Found::tz("2026-03-14"), "it has no partition with two ends"),
        (
            Found::tz("2026-03-14").leaf("2026-03-14 00:00:00+00", "2026-03-14 00:30:00+00"),
            "no number of hours, days or months leads",
        ),
    ] {
        let survey = Survey {
            snapshot: found.world.snapshot.clone(),
            time_zone: "UTC".to_owned(),
            partman: BTreeMap::new(),
            told_by: Vec::new(),
            not_believed: Vec::new(),
        };
        let draft = from_database(&survey);
        assert_eq!(draft.tables(), 0);
        let (name, said) = draft.skipped().next().unwrap();
        assert!(name == T && said.starts_with(why), "{said}");
    }
    // pg_partman knows better.
    Found::tz("2026-03-14")
        .told("partition_interval", "7 days")
        .told("premake", "8")
        .says(&["interval: 1 week", "premake: 8"]);
    for (interval, format, name) in [
        ("7 days", r#"IYYY"w"IW"#, r#"name: "{table}_p{start:%Gw%V}""#),
        ("1 mon", "YYYY_MM", r#"name: "{table}_p{start:%Y_%m}""#),
        ("01:00:00", "YYYY_MM_DD_HH24MI", r#"name: "{table}_p{start:%Y_%m_%d_%H%M}""#),
    ] {
        let found = Found::tz("2026-03-14").told("partition_interval", interval).told("datetime_string", format);
        assert!(found.yaml().contains(name), "{}", found.yaml());
    }
    // A month's name is none of ours, and a year alone does not tell months apart.
    for format in ["YYYY_Mon", "YYYY"] {
        let found = Found::tz("2026-03-14").told("partition_interval", "1 mon").told("datetime_string", format);
        assert!(!found.yaml().contains("name:"), "{}", found.yaml());
    }
}

#[test]
fn privileges_are_inherited_where_pg_partman_inherited_them() {
    let days = || Found::tz("2026-03-14").windows("interval: 1 day", "2026-03-10", "2026-03-16");
    for (told, inherits) in [("true", true), ("t", true), ("false", false)] {
        let found = days().told("partition_interval", "1 day").told("inherit_privileges", told);
        assert_eq!(found.yaml().contains("\n    inherit_privileges: true\n"), inherits, "{}", found.yaml());
    }
    assert!(!days().yaml().contains("inherit_privileges"));
}

#[test]
fn what_pg_partman_was_told_is_carried_over_or_said() {
    let months = || Found::tz("2026-03-14").windows("interval: 1 month", "2026-01-01", "2026-08-01");
    let told = months()
        .told("control", "at")
        .told("partition_interval", "1 mon")
        .told("premake", "4")
        .told("retention", "1 year 6 mons")
        .told("retention_keep_table", "false")
        .told("automatic_maintenance", "on")
        .told("infinite_time_partitions", "true")
        .told("constraint_cols", "id, user_id")
        .told("optimize_constraint", "30")
        .told("something_new", "42")
        .told("jobmon", "true");
    insta::assert_snapshot!(told.yaml(), @r##"
    # yaml-language-server: $schema=policy.schema.json
    # The schema, for editors: pgstrata schema policy > policy.schema.json
    # Imported from app@db1 (PostgreSQL 17.10). Next:
    #   pgstrata validate -p pgstrata.yaml
    #   pgstrata plan -p pgstrata.yaml
    version: 1

    tables:
      public.events:
        # 7 partitions, 2026-01-01 to 2026-08-01.
        # pg_partman's constraint_cols (id, user_id): no constraints on other columns are made.
        # pg_partman's infinite_time_partitions (true): partitions are made by the clock in any case.
        # pg_partman's something_new (42) has no equivalent.
        # pg_partman still maintains it. Hand it over before anything is carried out:
        #   UPDATE partman.part_config SET automatic_maintenance = 'off' WHERE parent_table = 'public.events';
        partition:
          key: at
          interval: 1 month
          premake: 4
          name: "{table}_{start:%Y%m%d}"
        retention:
          keep: 18 months   # pg_partman's retention
          then: detach   # pg_partman dropped them: `drop` does that, a week (`grace`) after the detach
    "##);
    told.wants_nothing();

    let short = months().told("partition_interval", "1 mon").told("retention", "7 days").yaml();
    assert!(short.contains("`7 days`, is shorter than one partition") && !short.contains("    retention:"), "{short}");
    let odd = months().told("partition_interval", "1 mon").told("retention", "a while").yaml();
    assert!(odd.contains("`a while`, is none that a policy can say") && !odd.contains("    retention:"), "{odd}");
    let moved = months().told("retention", "2 years").told("retention_schema", "cold").yaml();
    assert!(moved.contains("then: detach   # pg_partman moved them to the schema cold"), "{moved}");
    let other = months().told("partition_interval", "1 day").yaml();
    assert!(other.contains("interval: 1 month") && other.contains("pg_partman's interval is 1 day"), "{other}");
}
