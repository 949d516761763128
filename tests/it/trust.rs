//! Nobody's code runs as somebody else: what the owners of functions, domains and operators wrote tells the server's log as
//! whom it runs, and after every command of ours there is nothing there.

use std::fs;

use pgstrata::sandbox::{Options, Sandbox};

use crate::support::place::{Ran, said};
use crate::support::{explain, own_server, pgstrata, settings};

/// A server of its own, for roles are the whole server's; a database, a folder with a policy, and the log.
pub(crate) struct House {
    server: Sandbox,
    folder: tempfile::TempDir,
}

/// `writer` and `keeper` own code, `deployer` is member of two owners, `reader` reads all.
const ROLES: &str = "
    CREATE ROLE writer LOGIN; CREATE ROLE keeper LOGIN; CREATE ROLE other_owner;
    CREATE ROLE deployer LOGIN; GRANT writer, other_owner TO deployer;
    CREATE ROLE reader LOGIN; GRANT pg_read_all_data TO reader;
    CREATE SCHEMA app AUTHORIZATION writer; GRANT USAGE ON SCHEMA app TO public;
    CREATE SCHEMA types AUTHORIZATION keeper; GRANT USAGE ON SCHEMA types TO public;";

/// Code that tries to get free of whatever holds it, and says as whom it runs once it is.
fn telltale(schema: &str, owner: &str) -> String {
    format!(
        "SET SESSION AUTHORIZATION {owner};
         CREATE FUNCTION {schema}.tell() RETURNS int LANGUAGE plpgsql VOLATILE AS $f$
         BEGIN
           IF session_user <> '{owner}' THEN
             BEGIN EXECUTE 'RESET ROLE'; EXCEPTION WHEN OTHERS THEN NULL; END;
             IF current_user <> '{owner}' THEN RAISE LOG 'code of {owner} runs as %', current_user; END IF;
           END IF;
           RETURN 1;
         END $f$;
         CREATE FUNCTION {schema}.one(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN {schema}.tell(); END';
         CREATE FUNCTION {schema}.ok(timestamptz) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN {schema}.tell() = 1; END';
         RESET SESSION AUTHORIZATION;"
    )
}

const POLICY: &str = "version: 1
tables:
  app.events:
    partition: {key: at, interval: 1 month, timezone: UTC, premake: 2}
    retention: {keep: 7 years, then: drop, grace: 0 days}
    indexes: {events_id_idx: {columns: [id]}, events_big_idx: {columns: ['(id + 1)'], where: 'id > 10'}}
    maintenance: {analyze_parent_every: 1 day}
";

/// The table of `writer`: a current partition and an old one, both with rows. Current by the server's clock, so that what
/// is created, kept and removed is the same in whatever month this runs.
pub(crate) fn events(key: &str, with: &str) -> String {
    format!(
        "SET SESSION AUTHORIZATION writer;
         CREATE TABLE app.events (at {key} NOT NULL, id bigint) PARTITION BY RANGE (at);
         DO $$ DECLARE
           month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
         BEGIN
           EXECUTE format('CREATE TABLE app.events_now PARTITION OF app.events FOR VALUES FROM (%L) TO (%L)',
             to_char(month, 'YYYY-MM-DD\"Z\"'), to_char(month + interval '1 month', 'YYYY-MM-DD\"Z\"'));
         END $$;
         CREATE TABLE app.events_old PARTITION OF app.events FOR VALUES FROM ('2018-01-01Z') TO ('2018-02-01Z');
         INSERT INTO app.events VALUES (now(), 1), ('2018-01-15Z', 2);
         {with}
         RESET SESSION AUTHORIZATION;"
    )
}

impl House {
    pub(crate) fn new(tables: &str) -> Self {
        let server = own_server(Options {
            settings: settings(&[("autovacuum", "off"), ("log_min_messages", "log")]),
            ..Options::default()
        });
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("pgstrata.yaml"), POLICY).unwrap();
        let house = Self { server, folder };
        house.server.create_database("house").unwrap_or_else(|error| panic!("{error}"));
        house.batch(ROLES);
        house.batch(&telltale("app", "writer"));
        house.batch(&telltale("types", "keeper"));
        house.batch(tables);
        house
    }

    pub(crate) fn batch(&self, sql: &str) {
        let mut client = self.server.connect("house").unwrap_or_else(|error| panic!("{error}"));
        client.batch_execute(sql).unwrap_or_else(|error| panic!("{}\n{sql}", explain(&error)));
    }

    fn one(&self, sql: &str) -> i64 {
        self.server.connect("house").unwrap().query_one(sql, &[]).unwrap().get(0)
    }

    fn url(&self, role: &str) -> String {
        self.server.url("house").replace(&format!("user={}", self.server.superuser()), &format!("user={role}"))
    }

    /// Runs the binary as a role; what it ends with is the caller's to judge.
    pub(crate) fn run(&self, role: &str, args: &[&str]) -> (i32, String) {
        let mut command = pgstrata();
        command.current_dir(self.folder.path()).env("PGSTRATA_URL", self.url(role)).args(args);
        let output = command.output().unwrap();
        let code = output.status.code().unwrap();
        let Ran { stdout, stderr } = said(output, code, "pgstrata");
        (code, format!("{stdout}{stderr}"))
    }

    /// Forgets what the log has said so far.
    pub(crate) fn clear(&self) {
        fs::write(self.server.log_path(), "").unwrap();
    }

    pub(crate) fn indexes(&self) -> i64 {
        self.one(
            "SELECT count(*) FROM pg_catalog.pg_index AS x JOIN pg_catalog.pg_class AS c ON c.oid = x.indrelid
             WHERE c.relnamespace = 'app'::regnamespace",
        )
    }

    pub(crate) fn partitions(&self) -> i64 {
        self.one("SELECT count(*) FROM pg_catalog.pg_inherits WHERE inhparent = 'app.events'::regclass")
    }

    /// With another policy.
    pub(crate) fn write(&self, policy: &str) {
        fs::write(self.folder.path().join("pgstrata.yaml"), policy).unwrap();
    }

    /// What the log says of code that ran as another than its owner, in order.
    pub(crate) fn told(&self) -> Vec<String> {
        let log = fs::read_to_string(self.server.log_path()).unwrap();
        let lines = log.lines().filter_map(|line| line.split_once("LOG:  code of ").map(|(_, told)| told.to_owned()));
        lines.collect()
    }

    /// Every command that looks, and an apply without a grant, as this role.
    fn all_commands(&self, role: &str) {
        for args in [
            &["plan"][..],
            &["plan", "--format", "json"],
            &["plan", "--out", "plan.json"],
            &["apply", "plan.json", "--auto-approve"],
            &["drift"],
            &["explain", "app.events"],
            &["explain", "app.events_now"],
            &["partition", "list"],
            &["partition", "analyze"],
            &["snapshot", "--out", "snapshot.json"],
            &["import"],
            &["optimize", "maintenance", "--auto-approve"],
            &["partition", "create", "--auto-approve"],
            &["partition", "cleanup", "--auto-approve", "--allow", "deletes-data"],
            &["apply", "--auto-approve", "--allow", "deletes-data"],
        ] {
            let (code, text) = self.run(role, args);
            assert!((0..=4).contains(&code), "{role} {args:?}: {code}\n{text}");
            assert_eq!(self.told(), Vec::<String>::new(), "{role} {args:?}\n{text}");
        }
    }
}

/// By what a function comes to hang on a table.
const WAYS: [(&str, &str, &str); 5] = [
    ("a check and the expression of an index", "timestamptz",
     "ALTER TABLE app.events ADD CONSTRAINT ok CHECK (id > -app.one(1)); CREATE INDEX ON app.events ((id + app.one(1)));"),
    ("a predicate", "timestamptz", "CREATE INDEX events_some ON app.events (id) WHERE id > app.one(1) - 2;"),
    ("the expression of statistics", "timestamptz", "CREATE STATISTICS app.s ON (id + app.one(1)), at FROM app.events_now;"),
    ("a check behind an operator", "timestamptz",
     "CREATE FUNCTION app.less(int, int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN app.tell() = 1; END';
      CREATE OPERATOR app.<<< (LEFTARG = int, RIGHTARG = int, FUNCTION = app.less);
      ALTER TABLE app.events ADD CHECK (1 OPERATOR(app.<<<) 2);"),
    ("the domain of the key, of one who owns neither table nor schema", "types.ts",
     "RESET SESSION AUTHORIZATION; SET SESSION AUTHORIZATION keeper; ALTER DOMAIN types.ts ADD CHECK (types.ok(VALUE)) NOT VALID;"),
];

fn house(at: usize) -> House {
    let (_, key, with) = WAYS[at];
    let domain =
        "SET SESSION AUTHORIZATION keeper; CREATE DOMAIN types.ts AS timestamptz; RESET SESSION AUTHORIZATION;";
    House::new(&format!("{domain}{}", events(key, with)))
}

#[test]
fn code_on_a_table_runs_as_nobody_else() {
    for (at, (what, _, _)) in WAYS.iter().enumerate() {
        let house = house(at);
        // It would tell: a query of the superuser, or an ATTACH where none is run by queries.
        let _ = house.server.connect("house").unwrap().batch_execute(
            "BEGIN; SELECT FROM app.events; CREATE TABLE app.x (LIKE app.events INCLUDING CONSTRAINTS);
             ALTER TABLE app.events ATTACH PARTITION app.x FOR VALUES FROM ('2040-01-01Z') TO ('2040-02-01Z'); ROLLBACK",
        );
        let before = house.told();
        assert!(!before.is_empty(), "{what} runs nothing");
        fs::write(house.server.log_path(), "").unwrap();
        assert_eq!(house.told(), Vec::<String>::new());
        for role in ["reader", house.server.superuser(), "deployer"] {
            house.all_commands(role);
        }
        // What leaves needs no grant for it: it is detached plainly, and which partition is the newest is asked by COPY.
        assert_eq!(house.one("SELECT count(*) FROM pg_catalog.pg_class WHERE relname = 'events_old'"), 0, "{what}");
        let (code, plan) = house.run("deployer", &["plan"]);
        assert_eq!(code, 0, "{plan}");
        assert!(plan.contains("RUNS_OWNERS_CODE") && plan.contains("would run as deployer"), "{what}\n{plan}");
        assert_eq!(house.told(), Vec::<String>::new(), "{what}");
        // The owner itself has nothing at stake, and needs no grant.
        if house.one(
            "SELECT count(*) FROM pg_catalog.pg_type WHERE typname = 'ts' AND typnamespace = 'types'::regnamespace AND
                      EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE atttypid = pg_type.oid)",
        ) == 0
        {
            let (code, text) = house.run("writer", &["apply", "--auto-approve", "--allow", "deletes-data"]);
            assert_eq!(code, 0, "{what}\n{text}");
        } else {
            let allowed =
                ["apply", "--auto-approve", "--allow", "deletes-data", "--allow", "runs-owners-code:app.events"];
            let (code, text) = house.run("deployer", &allowed);
            assert_eq!(code, 0, "{what}\n{text}");
        }
        assert_eq!(
            house.one("SELECT count(*) FROM pg_catalog.pg_inherits WHERE inhparent = 'app.events'::regclass"),
            3
        );
    }
}

/// What runs in none of our statements is no reason to refuse one.
#[test]
fn code_that_never_runs_needs_no_grant() {
    let house = House::new(&events(
        "timestamptz",
        "ALTER TABLE app.events ADD made int DEFAULT app.one(1);
         ALTER TABLE app.events ADD sum bigint GENERATED ALWAYS AS (id + app.one(1)) STORED;
         CREATE DOMAIN app.small AS int; ALTER TABLE app.events ADD small app.small;
         CREATE POLICY p ON app.events USING (id > app.one(1));
         CREATE FUNCTION app.trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM app.tell(); RETURN NEW; END';
         CREATE TRIGGER t AFTER INSERT ON app.events FOR EACH ROW WHEN (NEW.id > app.one(1)) EXECUTE FUNCTION app.trigger();",
    ));
    fs::write(house.server.log_path(), "").unwrap();
    let (code, text) = house.run("deployer", &["apply", "--auto-approve", "--allow", "deletes-data"]);
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains("RUNS_OWNERS_CODE"), "{text}");
    assert_eq!(house.one("SELECT count(*) FROM pg_catalog.pg_inherits WHERE inhparent = 'app.events'::regclass"), 3);
    assert_eq!(house.told(), Vec::<String>::new());
}

/// By way of other tables, of functions that somebody trusted owns, of every DDL statement; and what only seems trusted.
#[test]
fn code_is_found_behind_what_it_hides_behind() {
    let events = events("timestamptz", "ALTER TABLE app.events ADD PRIMARY KEY (at, id);");
    for (what, with, removal_needs_it) in [
        ("a referenced table", "SET SESSION AUTHORIZATION writer; CREATE TABLE app.kind (id bigint PRIMARY KEY, CHECK (id > -app.one(1)));
           CREATE INDEX ON app.kind ((id + app.one(1))); INSERT INTO app.kind VALUES (1), (2);
           ALTER TABLE app.events ADD FOREIGN KEY (id) REFERENCES app.kind", false),
        ("a referencing table", "SET SESSION AUTHORIZATION writer; CREATE TABLE app.note (at timestamptz, id bigint, FOREIGN KEY (at, id) REFERENCES app.events);
           CREATE INDEX ON app.note ((id + app.one(1)))", true),
        ("a function of a superuser that calls it", "CREATE FUNCTION app.safe(int) RETURNS int IMMUTABLE BEGIN ATOMIC RETURN app.one($1); END;
           ALTER TABLE app.events ADD CHECK (id > -app.safe(1))", false),
        ("an event trigger", "CREATE FUNCTION app.ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM app.tell(); END';
           ALTER FUNCTION app.ddl() OWNER TO writer; CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION app.ddl()", true),
        ("a member of an extension", "ALTER EXTENSION plpgsql ADD FUNCTION app.one(int);
           ALTER TABLE app.events ADD CHECK (id > -app.one(1))", false),
    ] {
        let house = House::new(&format!("{events}\n{with};"));
        fs::write(house.server.log_path(), "").unwrap();
        for role in [house.server.superuser(), "deployer", "reader"] {
            house.all_commands(role);
        }
        let (_, plan) = house.run("deployer", &["plan"]);
        assert!(plan.contains("RUNS_OWNERS_CODE") && plan.contains("would run as deployer"), "{what}\n{plan}");
        let old = house.one("SELECT count(*) FROM pg_catalog.pg_class WHERE relname = 'events_old'");
        assert_eq!(old == 1, removal_needs_it, "{what}\n{plan}");
        assert_eq!(house.told(), Vec::<String>::new(), "{what}");
    }
}

#[test]
fn with_the_grant_it_is_done() {
    for role in ["deployer", "superuser"] {
        let house = house(0);
        let role = if role == "superuser" { house.server.superuser().to_owned() } else { role.to_owned() };
        let allowed = ["apply", "--auto-approve", "--allow", "deletes-data", "--allow", "runs-owners-code"];
        let (code, text) = house.run(&role, &allowed);
        assert_eq!(code, 0, "{text}");
        assert_eq!(
            house.one("SELECT count(*) FROM pg_catalog.pg_inherits WHERE inhparent = 'app.events'::regclass"),
            3
        );
        let told = house.told();
        assert!(told.iter().any(|line| line == &format!("writer runs as {role}")), "{told:?}");
    }
}

/// A login for the owner: nothing of its is at stake in sessions of its own, and no grant is needed.
#[test]
fn an_owner_with_a_login_needs_no_grant() {
    for role in ["superuser", "deployer"] {
        let house = house(0);
        let role = if role == "superuser" { house.server.superuser().to_owned() } else { role.to_owned() };
        let policy = POLICY.replace(
            "version: 1\n",
            &format!("version: 1\nconnection: {{owners: {{writer: '{}'}}}}\n", house.url("writer")),
        );
        fs::write(house.folder.path().join("pgstrata.yaml"), policy).unwrap();
        for args in [
            &["plan", "--out", "plan.json"][..],
            &["drift"],
            &["explain", "app.events"],
            &["partition", "list"],
            &["apply", "plan.json", "--auto-approve", "--allow", "deletes-data"],
            &["drift"],
        ] {
            let (code, text) = house.run(&role, args);
            assert!([0, 2].contains(&code), "{role} {args:?}: {code}\n{text}");
            assert!(!text.contains("RUNS_OWNERS_CODE"), "{role} {args:?}\n{text}");
            assert_eq!(house.told(), Vec::<String>::new(), "{role} {args:?}\n{text}");
        }
        assert_eq!(
            house.one("SELECT count(*) FROM pg_catalog.pg_inherits WHERE inhparent = 'app.events'::regclass"),
            3
        );
        assert_eq!(house.one("SELECT count(*) FROM pg_catalog.pg_class WHERE relname = 'events_old'"), 0);
        assert_eq!(
            house.one("SELECT count(*) FROM pg_catalog.pg_class WHERE relname LIKE 'events%' AND relowner <> 'writer'::regrole"),
            0
        );
        // A login that leads elsewhere is refused before anything is asked there.
        house.server.create_database("elsewhere").unwrap_or_else(|error| panic!("{error}"));
        let elsewhere = house.url("writer").replace("/house?", "/elsewhere?");
        let policy =
            POLICY.replace("version: 1\n", &format!("version: 1\nconnection: {{owners: {{writer: '{elsewhere}'}}}}\n"));
        fs::write(house.folder.path().join("pgstrata.yaml"), policy).unwrap();
        let (code, text) = house.run(&role, &["plan"]);
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("connection.owners.writer: it leads to another database"), "{text}");
    }
}

/// The README's table: a role that has exactly that.
#[test]
fn each_command_works_with_what_the_readme_says() {
    let house = House::new(&events("timestamptz", ""));
    house.batch(
        "REVOKE ALL ON DATABASE house FROM public; REVOKE ALL ON SCHEMA app FROM public;
         GRANT CONNECT, TEMPORARY ON DATABASE house TO keeper, writer;
         GRANT USAGE ON SCHEMA app TO keeper; GRANT SELECT ON ALL TABLES IN SCHEMA app TO keeper",
    );
    for args in [
        &["plan"][..],
        &["drift"],
        &["explain", "app.events"],
        &["snapshot", "--out", "snapshot.json"],
        &["partition", "list"],
        &["partition", "analyze"],
        &["import"],
    ] {
        let (code, text) = house.run("keeper", args);
        assert!([0, 2].contains(&code), "{args:?}: {code}\n{text}");
        for unknown in ["is unknown", "unverified", "would run as"] {
            assert!(!text.contains(unknown), "{args:?}\n{text}");
        }
    }
    for args in
        [&["apply", "--auto-approve", "--allow", "deletes-data"][..], &["optimize", "maintenance", "--auto-approve"]]
    {
        let (code, text) = house.run("writer", args);
        assert_eq!(code, 0, "{args:?}\n{text}");
    }
    assert_eq!(house.run("writer", &["drift"]).0, 0);
    assert_eq!(house.told(), Vec::<String>::new());
}
