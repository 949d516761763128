//! New partitions are what their siblings are: what `import` and `plan` say of sets whose partitions have more than their
//! table, and where new ones are made.

use crate::import::imported;
use crate::support::pgstrata;
use crate::support::place::{Ran, ran};

const PARTS: &str = "CREATE SCHEMA parts;
    CREATE TABLE hook_log (id bigint, at timestamptz NOT NULL) PARTITION BY RANGE (at);
    DO $$ BEGIN FOR n IN -2 .. 0 LOOP
      EXECUTE format('CREATE TABLE parts.hook_log_%s PARTITION OF hook_log FOR VALUES FROM (%L) TO (%L)',
        to_char(date_trunc('month', now()) + n * interval '1 month', 'YYYYMM'),
        date_trunc('month', now()) + n * interval '1 month', date_trunc('month', now()) + (n + 1) * interval '1 month');
    END LOOP; END $$;";

/// What `validate` says of a policy; it needs no server.
fn validated(policy: &str, code: i32) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pgstrata.yaml"), policy).unwrap();
    ran(pgstrata().current_dir(folder.path()).arg("validate"), code)
}

#[test]
fn import_finds_the_schema_of_partitions() {
    let found = imported("siblings_schema", PARTS, &[]);
    assert!(found.policy.contains("      schema: parts\n"), "{}", found.policy);
    assert!(!found.policy.contains("another schema"), "{}", found.policy);
    let plan = found.plan(&[]);
    let steps = plan["steps"].as_array().unwrap();
    assert!(!steps.is_empty());
    for step in steps {
        assert!(step["id"].as_str().unwrap().starts_with("create parts.hook_log_20"), "{step}");
    }
    found.place.run(&["apply", "--auto-approve"], 0);
    found.wants_nothing();
}

#[test]
fn a_dot_in_a_template_of_names_is_refused_with_what_was_meant() {
    for (name, help) in [
        ("parts.{table}_{start:%Y%m}", "`partition: {schema: parts, name: \"{table}_{start:%Y%m}\"}`"),
        ("{table}_{start:%Y.%m}", "`partition.schema`"),
        ("{table}.{start:%Y%m}", "`partition.schema`"),
    ] {
        let policy = format!(
            "version: 1\ntables:\n  public.hook_log:\n    partition: {{key: at, interval: 1 month, name: \"{name}\"}}\n"
        );
        let refused = validated(&policy, 78);
        assert!(refused.stderr.contains("a partition's schema is no part of its name"), "{}", refused.stderr);
        let unwrapped = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(unwrapped.contains(help), "{}", refused.stderr);
    }
}

#[test]
fn import_proposes_no_template_with_a_dot() {
    let sql = PARTS.replace("parts.hook_log_%s", "parts.%I").replace(
        "to_char(date_trunc('month', now()) + n * interval '1 month', 'YYYYMM')",
        "to_char(date_trunc('month', now()) + n * interval '1 month', '\"hook.log\"YYYYMM')",
    );
    let found = imported("siblings_dotted", &sql, &[]);
    assert!(found.policy.contains("name: \"{table}_p{start:%Y%m%d}\""), "{}", found.policy);
}

#[test]
fn schemas_of_the_server_are_no_place_for_partitions() {
    for schema in ["pg_catalog", "pg_temp", "information_schema", "a.b", ""] {
        let policy = format!(
            "version: 1\ntables:\n  public.hook_log:\n    partition: {{key: at, interval: 1 month, schema: \"{schema}\"}}\n"
        );
        validated(&policy, 78);
    }
}

const HAVE_MORE: &str = "CREATE TABLE reading (id uuid NOT NULL, at timestamptz NOT NULL, v int) PARTITION BY RANGE (at);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end';
    DO $$ DECLARE d date; n text; BEGIN
      FOR d IN SELECT generate_series(current_date - 5, current_date + 1, '1 day')::date LOOP
        n := 'reading_' || to_char(d, 'YYYYMMDD');
        EXECUTE format('CREATE UNLOGGED TABLE %I (LIKE reading INCLUDING ALL) WITH (fillfactor=80, autovacuum_vacuum_scale_factor=0.01)', n);
        EXECUTE format('CREATE UNIQUE INDEX ON %I (id)', n);
        EXECUTE format('CREATE TRIGGER t BEFORE INSERT ON %I FOR EACH ROW EXECUTE FUNCTION note()', n);
        EXECUTE format('ALTER TABLE %I ADD CHECK (v > 0)', n);
        EXECUTE format('ALTER TABLE reading ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', n, d, d + 1);
      END LOOP; END $$;";

#[test]
fn import_writes_what_all_partitions_have() {
    let found = imported("siblings_more", HAVE_MORE, &[]);
    for line in [
        "      unlogged: true\n",
        "      checks: [\"{partition}_v_check\"]",
        "      triggers: [\"t\"]",
        "    storage_parameters:\n      autovacuum_vacuum_scale_factor: 0.01\n      fillfactor: 80\n",
        "    indexes:\n      # The table cannot have them: uniqueness holds only within each partition.\n      \
         reading_id_idx: {columns: [id], unique: true, on: partitions}\n",
    ] {
        assert!(found.policy.contains(line), "{line}\n{}", found.policy);
    }
    let plan = found.plan(&[]);
    // What the policy wants already is no news, nor where it could not be compared.
    for plan in [&plan, &found.plan(&["--no-probe"])] {
        let findings = plan["findings"].to_string();
        assert!(!findings.contains("own unique index"), "{findings}");
    }
    let sql = plan["steps"][0]["sql"].to_string();
    for part in [
        "CREATE UNLOGGED TABLE",
        "v_check CHECK ((v > 0))",
        "CREATE TRIGGER t BEFORE INSERT ON",
        "fillfactor = '80'",
        "CREATE UNIQUE INDEX",
    ] {
        assert!(sql.contains(part), "{part}\n{sql}");
    }
    found.place.run(&["apply", "--auto-approve"], 0);
    found.wants_nothing();
    let alike = "SELECT count(DISTINCT (relpersistence, (SELECT array_agg(o ORDER BY o) FROM unnest(reloptions) o),
            (SELECT count(*) FROM pg_trigger WHERE tgrelid = c.oid), (SELECT count(*) FROM pg_index WHERE indrelid = c.oid AND indisunique), (SELECT count(*) FROM pg_constraint WHERE conrelid = c.oid AND contype = 'c')))
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE inhparent = 'reading'::regclass";
    let row = found.place.db.client().query_one(alike, &[]).unwrap();
    assert_eq!(row.get::<_, i64>(0), 1, "new partitions are what the others are");
}

#[test]
fn definitions_behind_a_lock_stop_the_creation_that_needs_them() {
    let found = imported("siblings_locked", HAVE_MORE, &[]);
    let mut holder = found.place.db.client();
    let newest = "SELECT 'reading_' || to_char(current_date + 1, 'YYYYMMDD')";
    let newest: String = holder.query_one(newest, &[]).unwrap().get(0);
    holder.batch_execute(&format!("BEGIN; LOCK TABLE {newest} IN ACCESS EXCLUSIVE MODE")).unwrap();
    let plan = found.plan(&[]);
    let because = plan["steps"][0]["blocked_because"].to_string();
    assert!(plan["steps"][0]["blocked"] == true && because.contains("could not be read"), "{because}");
    holder.batch_execute("ROLLBACK").unwrap();
    assert_eq!(found.plan(&[])["steps"][0]["blocked"], false);
}

#[test]
fn only_a_unique_index_is_made_on_partitions_alone() {
    let policy = |unique: &str| {
        format!(
            "version: 1\ntables:\n  public.hook_log:\n    partition: {{key: at, interval: 1 month}}\n    \
             indexes: {{hook_log_id_idx: {{columns: [id], {unique}on: partitions}}}}\n"
        )
    };
    for unique in ["", "unique: false, "] {
        let refused = validated(&policy(unique), 78);
        assert!(refused.stderr.contains("only a unique index is made on partitions alone"), "{}", refused.stderr);
    }
    validated(&policy("unique: true, "), 0);
}

#[test]
fn a_unique_index_without_the_key_is_said_how_it_can_be_had() {
    let found = imported("siblings_hint", PARTS, &[]);
    let indexes = "    indexes: {by_id: {columns: [id], unique: true}}\n";
    std::fs::write(found.place.path("pgstrata.yaml"), format!("{}{indexes}", found.policy)).unwrap();
    // Without a server, with the place and what to do.
    for args in [&["validate"][..], &["plan"]] {
        let said = found.place.run(args, 78).stderr;
        assert!(said.contains("must have the partition key at among its columns"), "{said}");
        assert!(said.contains("`on: partitions`") && said.contains("only within each"), "{said}");
    }
    let indexes = "    indexes: {by_id: {columns: [id, \"at desc\"], unique: true, on: partitions}}\n";
    std::fs::write(found.place.path("pgstrata.yaml"), format!("{}{indexes}", found.policy)).unwrap();
    let said = found.place.run(&["validate"], 78).stderr;
    assert!(said.contains("so the table can have it") && said.contains("leave `on` out"), "{said}");
}
