//! Inspection: every fact that it decodes, as a real server prints it, and that it waits for nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use pgstrata::catalog::{
    AclItem, InspectError, Leaf, LeafKind, MARKER_PREFIX, Oid, ReplicaIdentity, Root, Snapshot, TableState, inspect,
};
use pgstrata::grid::{Bound, KeyKind, KeyValue, LeafBounds};
use pgstrata::sandbox::Options;
use pgstrata::sql::{Ident, TableName};
use postgres::Client;

use crate::support::{self, TestDb, database, explain, own_server, settings};

/// Settings that would change every text of the catalog, if inspection did not pin its own.
const HOSTILE: &str = "SET TimeZone = 'Asia/Kolkata'; SET DateStyle = 'German, DMY'; SET search_path = s, public; \
                       SET lock_timeout = 0; SET row_security = on";

pub(crate) fn table(name: &str) -> TableName {
    name.parse().unwrap()
}

pub(crate) fn inspect_as(client: &mut Client, tables: &[&str]) -> Snapshot {
    client.batch_execute(HOSTILE).unwrap();
    let tables: BTreeSet<TableName> = tables.iter().map(|name| table(name)).collect();
    inspect(client, "[local]", &tables, &tables, &Timestamp::now).unwrap_or_else(|error| panic!("{error}"))
}

fn inspected(db: &TestDb, tables: &[&str]) -> Snapshot {
    inspect_as(&mut db.client(), tables)
}

pub(crate) fn root<'s>(snapshot: &'s Snapshot, name: &str) -> &'s Root {
    match &snapshot.catalog.tables[&table(name)] {
        TableState::Partitioned(root) => root,
        other @ (TableState::Missing | TableState::Unfit(_)) => panic!("{name} is {other:?}"),
    }
}

pub(crate) fn leaf<'s>(root: &'s Root, name: &str) -> (Oid, &'s Leaf) {
    let found = root.leaves.iter().find(|(_, leaf)| leaf.name == table(name));
    found.map(|(oid, leaf)| (*oid, leaf)).unwrap_or_else(|| panic!("no leaf {name} in {:?}", root.leaves))
}

pub(crate) fn oid(client: &mut Client, name: &str) -> Oid {
    Oid(client.query_one("SELECT $1::text::regclass::oid", &[&name]).unwrap().get(0))
}

/// A role of this server that no other test has.
pub(crate) fn role(client: &mut Client, name: &str, rest: &str) {
    client.batch_execute(&format!("CREATE ROLE {name} {rest}")).unwrap_or_else(|error| panic!("{}", explain(&error)));
}

pub(crate) fn client_as(db: &TestDb, user: &str) -> Client {
    let mut config: postgres::Config = db.url().parse().unwrap();
    config.user(user);
    config.connect(postgres::NoTls).unwrap_or_else(|error| panic!("{}", explain(&error)))
}

#[test]
fn names_keys_and_bounds_are_read_whatever_the_session_is_set_to() {
    let db = database("catalog_bounds");
    let long = "ä".repeat(31) + "x";
    db.batch(&format!(
        r#"CREATE SCHEMA "S.p"; CREATE DOMAIN moment AS timestamptz; CREATE DOMAIN instant AS moment;
        CREATE TABLE "S.p"."Ev ""x""" ("The Key" timestamptz NOT NULL) PARTITION BY RANGE ("The Key");
        CREATE TABLE "S.p"."{long}" PARTITION OF "S.p"."Ev ""x"""
            FOR VALUES FROM (MINVALUE) TO ('2026-03-29 00:00+00');
        CREATE TABLE "select" PARTITION OF "S.p"."Ev ""x"""
            FOR VALUES FROM ('2026-03-29 00:00+00') TO ('2026-03-30 00:00+02');
        CREATE TABLE far PARTITION OF "S.p"."Ev ""x""" FOR VALUES FROM ('2030-01-01') TO ('infinity');
        CREATE TABLE rest PARTITION OF "S.p"."Ev ""x""" DEFAULT;
        CREATE TABLE d (dropped int, day date) PARTITION BY RANGE (day); ALTER TABLE d DROP COLUMN dropped;
        CREATE TABLE d1 PARTITION OF d FOR VALUES FROM ('2026-02-01') TO (MAXVALUE);
        CREATE TABLE t (at timestamp(3)) PARTITION BY RANGE (at);
        CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2026-02-01 00:00:00.5') TO ('2026-02-02');
        CREATE TABLE dom (at instant) PARTITION BY RANGE (at);
        CREATE TABLE dom1 PARTITION OF dom FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-02-02 00:00+00');
        "#
    ));
    let snapshot = inspected(&db, &[r#""S.p"."Ev ""x""""#, "public.d", "public.t", "public.dom"]);
    let tz = |text| Bound::Value(KeyValue::parse(KeyKind::Timestamptz, text).unwrap());

    let ev = root(&snapshot, r#""S.p"."Ev ""x""""#);
    assert_eq!((ev.key.name.as_str(), ev.key.kind, ev.key.not_null), ("The Key", KeyKind::Timestamptz, true));
    assert_eq!(ev.leaves.len(), 4);
    let range = |from, to| LeafBounds::Range { from, to };
    let (_, first) = leaf(ev, &format!(r#""S.p"."{long}""#));
    assert_eq!(first.bounds, range(Bound::MinValue, tz("2026-03-29 00:00:00+00")));
    assert_eq!((first.owner.as_str(), first.kind, first.pending), ("postgres", LeafKind::Table, false));
    assert_eq!(
        leaf(ev, r#"public."select""#).1.bounds,
        range(tz("2026-03-29 00:00:00+00"), tz("2026-03-29 22:00:00+00"))
    );
    assert!(matches!(&leaf(ev, "public.far").1.bounds, LeafBounds::Other(text) if text.contains("'infinity'")));
    assert_eq!(ev.default_leaf().map(|(_, leaf)| leaf.name.clone()), Some(table("public.rest")));

    let d = root(&snapshot, "public.d");
    assert_eq!((d.key.name.as_str(), d.key.kind, d.key.not_null), ("day", KeyKind::Date, false));
    let first = Bound::Value(KeyValue::parse(KeyKind::Date, "2026-02-01").unwrap());
    assert_eq!(leaf(d, "public.d1").1.bounds, range(first, Bound::MaxValue));
    let ts = |text| Bound::Value(KeyValue::parse(KeyKind::Timestamp, text).unwrap());
    let bounds = range(ts("2026-02-01 00:00:00.5"), ts("2026-02-02 00:00:00"));
    assert_eq!(leaf(root(&snapshot, "public.t"), "public.t1").1.bounds, bounds);
    let dom = root(&snapshot, "public.dom");
    assert_eq!(dom.key.kind, KeyKind::Timestamptz, "a domain is what lies below it");
    let bounds = range(tz("2026-02-01 00:00:00+00"), tz("2026-02-02 00:00:00+00"));
    assert_eq!(leaf(dom, "public.dom1").1.bounds, bounds);
}

#[test]
fn what_cannot_be_managed_says_what_it_is() {
    let db = database("catalog_unfit");
    db.batch(
        "CREATE TABLE plain (at timestamptz); CREATE VIEW view AS SELECT 1; CREATE SEQUENCE seq;
        CREATE MATERIALIZED VIEW mat AS SELECT 1; CREATE INDEX plain_idx ON plain (at); CREATE TYPE pair AS (a int);
        CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE fgn (a int) SERVER far;
        CREATE TABLE list (a int) PARTITION BY LIST (a); CREATE TABLE hash (a int) PARTITION BY HASH (a);
        CREATE TABLE expr (at timestamptz) PARTITION BY RANGE ((at AT TIME ZONE 'UTC'));
        CREATE TABLE two (a date, b date) PARTITION BY RANGE (a, b);
        CREATE TABLE txt (a varchar(7)) PARTITION BY RANGE (a); CREATE TABLE num (id numeric) PARTITION BY RANGE (id);
        CREATE TABLE root (at date) PARTITION BY RANGE (at);
        CREATE TABLE sub PARTITION OF root FOR VALUES FROM (MINVALUE) TO (MAXVALUE) PARTITION BY RANGE (at);
        CREATE FUNCTION backwards(date, date) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $2 - $1';
        CREATE OPERATOR CLASS backwards FOR TYPE date USING btree AS
            OPERATOR 1 > , OPERATOR 2 >= , OPERATOR 3 = , OPERATOR 4 <= , OPERATOR 5 < , FUNCTION 1 backwards(date, date);
        CREATE TABLE back (at date) PARTITION BY RANGE (at backwards);",
    );
    let unfit = [
        ("plain", "a plain table"),
        ("view", "a view"),
        ("mat", "a materialized view"),
        ("seq", "a sequence"),
        ("plain_idx", "an index"),
        ("pair", "a composite type"),
        ("fgn", "a foreign table"),
        ("list", "partitioned by LIST"),
        ("hash", "partitioned by HASH"),
        ("expr", "partitioned by an expression"),
        ("two", "partitioned by 2 columns"),
        ("txt", "partitioned by a column of type character varying(7)"),
        ("num", "partitioned by a column of type numeric"),
        ("sub", "itself a partition of public.root"),
        ("back", "partitioned by an operator class"),
    ];
    let names: Vec<String> = unfit.iter().map(|(name, _)| format!("public.{name}")).collect();
    let mut wanted: Vec<&str> = names.iter().map(String::as_str).collect();
    wanted.extend(["public.nothing", "nowhere.plain"]);
    let tables = inspected(&db, &wanted).catalog.tables;
    assert_eq!(tables.len(), wanted.len());
    for (name, words) in unfit {
        let state = &tables[&TableName::new("public", name)];
        assert!(matches!(state, TableState::Unfit(said) if said.starts_with(words)), "{name}: {state:?}");
    }
    assert_eq!(tables[&table("public.nothing")], TableState::Missing);
    assert_eq!(tables[&table("nowhere.plain")], TableState::Missing);
}

#[test]
fn children_that_are_no_plain_tables_keep_their_kind_and_grandchildren_are_not_leaves() {
    let db = database("catalog_children");
    db.batch(
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w;
        CREATE TABLE r (at date) PARTITION BY RANGE (at);
        CREATE FOREIGN TABLE r1 PARTITION OF r FOR VALUES FROM ('2026-01-01') TO ('2026-02-01') SERVER far;
        CREATE TABLE r2 PARTITION OF r FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY RANGE (at);
        CREATE TABLE r2a PARTITION OF r2 DEFAULT;
        CREATE TABLE r3 PARTITION OF r FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
        INSERT INTO r3 SELECT '2026-03-02' FROM generate_series(1, 1000); ANALYZE r3;",
    );
    let snapshot = inspected(&db, &["public.r"]);
    let r = root(&snapshot, "public.r");
    let kinds: BTreeMap<&str, LeafKind> = r.leaves.values().map(|leaf| (leaf.name.name.as_str(), leaf.kind)).collect();
    let expected = [("r1", LeafKind::Foreign), ("r2", LeafKind::Partitioned), ("r3", LeafKind::Table)];
    assert_eq!(kinds, BTreeMap::from(expected));
    assert_eq!(leaf(r, "public.r3").1.rows_estimate, Some(1000));
    assert_eq!(leaf(r, "public.r2").1.rows_estimate, None, "never counted is not zero");
}

#[test]
fn attributes_that_partitions_do_not_inherit() {
    let db = database("catalog_attributes");
    let mut admin = db.client();
    for name in ["cat_attr_owner", "cat_attr_reader", "\"Cat Attr\""] {
        role(&mut admin, name, "");
    }
    admin.batch_execute("SET allow_in_place_tablespaces = on").unwrap();
    admin.batch_execute("CREATE TABLESPACE cat_attr_space LOCATION ''").unwrap();
    admin
        .batch_execute(
            "CREATE SCHEMA s; CREATE SCHEMA closed; GRANT USAGE, CREATE ON SCHEMA s TO cat_attr_owner;
            CREATE TABLE s.a (at date NOT NULL, tenant text NOT NULL, n int) PARTITION BY RANGE (at) TABLESPACE cat_attr_space;
            CREATE UNIQUE INDEX a_identity ON s.a (at, tenant);
            ALTER TABLE s.a OWNER TO cat_attr_owner;
            ALTER TABLE s.a REPLICA IDENTITY USING INDEX a_identity;
            ALTER TABLE s.a ALTER COLUMN n SET STATISTICS 500, ALTER COLUMN tenant SET STATISTICS 0;
            GRANT SELECT, INSERT ON s.a TO cat_attr_reader; GRANT UPDATE ON s.a TO cat_attr_reader WITH GRANT OPTION;
            GRANT SELECT ON s.a TO PUBLIC; GRANT UPDATE (n), SELECT (n) ON s.a TO \"Cat Attr\";
            ALTER TABLE s.a ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
            CREATE POLICY z ON s.a USING (tenant = CURRENT_USER);
            CREATE POLICY \"A b\" ON s.a AS RESTRICTIVE FOR INSERT TO cat_attr_reader, \"Cat Attr\" WITH CHECK (n > 0);
            CREATE TABLE closed.b (at date) PARTITION BY RANGE (at); ALTER TABLE closed.b OWNER TO cat_attr_owner;
            ALTER TABLE closed.b REPLICA IDENTITY FULL;
            CREATE TABLE s.c (at date NOT NULL) PARTITION BY RANGE (at); ALTER TABLE s.c REPLICA IDENTITY NOTHING;
            CREATE TABLE s.d (at date NOT NULL) PARTITION BY RANGE (at); CREATE UNIQUE INDEX d_i ON s.d (at);
            ALTER TABLE s.d REPLICA IDENTITY USING INDEX d_i; DROP INDEX s.d_i;
            COMMENT ON TABLE s.c IS E'rows\\npgstrata: hold matter-1';",
        )
        .unwrap_or_else(|error| panic!("{}", explain(&error)));

    let snapshot = inspected(&db, &["s.a", "closed.b", "s.c", "s.d"]);
    let a = root(&snapshot, "s.a");
    assert_eq!(a.attributes.owner, Ident::new("cat_attr_owner"));
    assert_eq!(a.attributes.tablespace, Some(Ident::new("cat_attr_space")));
    assert_eq!((a.owner_creates_in_schema, a.owner_creates_in_tablespace, a.held), (true, false, false));
    assert_eq!(a.attributes.replica_identity, ReplicaIdentity::Index(Ident::new("a_identity")));
    let targets = [(Ident::new("n"), 500), (Ident::new("tenant"), 0)];
    assert_eq!(a.attributes.statistics_targets, BTreeMap::from(targets));
    let grant = |grantee: Option<&str>, column: Option<&str>, grantable, privileges: &[&str]| AclItem {
        grantee: grantee.map(Ident::new),
        column: column.map(Ident::new),
        grantable,
        privileges: privileges.iter().map(|p| (*p).to_owned()).collect(),
    };
    assert_eq!(
        a.attributes.grants,
        [
            grant(None, None, false, &["SELECT"]),
            grant(Some("Cat Attr"), Some("n"), false, &["SELECT", "UPDATE"]),
            grant(Some("cat_attr_reader"), None, false, &["INSERT", "SELECT"]),
            grant(Some("cat_attr_reader"), None, true, &["UPDATE"]),
        ]
    );
    let security = &a.attributes.row_security;
    assert!(security.enabled && security.forced);
    let [first, second] = &security.policies[..] else { panic!("{security:?}") };
    assert_eq!((first.name.as_str(), first.permissive, first.command.as_str()), ("A b", false, "INSERT"));
    assert_eq!(first.roles, [Some(Ident::new("Cat Attr")), Some(Ident::new("cat_attr_reader"))]);
    assert_eq!((first.using.as_deref(), first.check.as_deref()), (None, Some("(n > 0)")));
    assert_eq!((second.name.as_str(), second.permissive, second.command.as_str()), ("z", true, "ALL"));
    assert_eq!(second.roles, [None]);
    assert_eq!(second.using.as_deref(), Some("(tenant = CURRENT_USER)"));

    let b = root(&snapshot, "closed.b");
    assert_eq!(b.attributes.replica_identity, ReplicaIdentity::Full);
    assert_eq!((b.owner_creates_in_schema, b.owner_creates_in_tablespace), (false, true));
    assert_eq!((b.attributes.tablespace.clone(), b.attributes.grants.len()), (None, 0));
    let c = root(&snapshot, "s.c");
    assert_eq!((&c.attributes.replica_identity, c.held), (&ReplicaIdentity::Nothing, true));
    assert!(!c.attributes.row_security.enabled && c.attributes.statistics_targets.is_empty());
    let dropped = &root(&snapshot, "s.d").attributes.replica_identity;
    assert_eq!(dropped, &ReplicaIdentity::Nothing, "an index that is gone identifies nothing");
}

#[test]
fn foreign_keys_and_publications_that_reach_other_places() {
    let db = database("catalog_references");
    let major = inspected(&db, &[]).target.major();
    db.batch(
        "CREATE SCHEMA other; CREATE TABLE other.tenant (id int PRIMARY KEY);
        CREATE TABLE r (at date, id int REFERENCES other.tenant, up date, PRIMARY KEY (at)) PARTITION BY RANGE (at);
        CREATE TABLE r1 PARTITION OF r FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
        ALTER TABLE r ADD FOREIGN KEY (up) REFERENCES r (at);
        CREATE TABLE child (at date REFERENCES r);
        CREATE PUBLICATION all_leaves FOR ALL TABLES;
        CREATE PUBLICATION all_roots FOR ALL TABLES WITH (publish_via_partition_root);
        CREATE PUBLICATION listed FOR TABLE r, child; CREATE PUBLICATION elsewhere FOR TABLE child, r1;",
    );
    if major >= 15 {
        db.batch("CREATE PUBLICATION by_schema FOR TABLES IN SCHEMA public; CREATE PUBLICATION no FOR TABLES IN SCHEMA other");
    }
    let snapshot = inspected(&db, &["public.r"]);
    let r = root(&snapshot, "public.r");
    assert_eq!(r.references, BTreeSet::from([table("other.tenant"), table("public.r")]));
    assert_eq!(r.referenced_by, BTreeSet::from([table("public.child"), table("public.r")]));
    let mut publications = BTreeSet::from(["all_leaves".to_owned(), "listed".to_owned()]);
    publications.extend((major >= 15).then(|| "by_schema".to_owned()));
    assert_eq!(r.leaf_publications, publications);
}

#[test]
fn an_unfinished_detach_is_pending() {
    let db = database("catalog_pending");
    db.batch(
        "CREATE TABLE r (at date) PARTITION BY RANGE (at);
        CREATE TABLE r1 PARTITION OF r FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
        CREATE TABLE r2 PARTITION OF r FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');",
    );
    let mut reading = db.client();
    reading.batch_execute("BEGIN; SELECT FROM r").unwrap();
    let mut detaching = db.client();
    detaching.batch_execute("SET statement_timeout = '200ms'").unwrap();
    let stopped = detaching.batch_execute("ALTER TABLE r DETACH PARTITION r1 CONCURRENTLY").unwrap_err();
    assert_eq!(stopped.code(), Some(&postgres::error::SqlState::QUERY_CANCELED));
    let snapshot = inspected(&db, &["public.r"]);
    let r = root(&snapshot, "public.r");
    assert_eq!(r.pending_leaf().map(|(_, leaf)| leaf.name.clone()), Some(table("public.r1")));
    assert!(matches!(leaf(r, "public.r1").1.bounds, LeafBounds::Range { .. }), "it keeps its bounds until FINALIZE");
    assert!(!leaf(r, "public.r2").1.pending);
}

#[test]
fn markers_and_holds_are_read_from_comments() {
    let db = database("catalog_markers");
    let mut client = db.client();
    client
        .batch_execute(
            "CREATE TABLE tenant (id int PRIMARY KEY);
            CREATE TABLE r (at date, id int) PARTITION BY RANGE (at);
            CREATE TABLE r1 PARTITION OF r FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
            CREATE TABLE r2 PARTITION OF r FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
            CREATE TABLE r3 PARTITION OF r FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
            COMMENT ON TABLE r2 IS E'text\\n  pgstrata: hold'; COMMENT ON COLUMN r3.at IS 'pgstrata: hold';
            CREATE TABLE gone (at date, id int REFERENCES tenant); CREATE TABLE held (at date);
            CREATE TABLE broken (at date); CREATE VIEW v AS SELECT 1; CREATE TABLE quoting (at date);
            CREATE TABLE r4 (at date) PARTITION BY RANGE (at);
            CREATE TABLE again PARTITION OF r4 DEFAULT;
            CREATE TABLE parent (at date); CREATE TABLE kid () INHERITS (parent);
            COMMENT ON TABLE broken IS 'pgstrata: retired {'; COMMENT ON TABLE quoting IS 'see \"pgstrata: retired {}\"';",
        )
        .unwrap();
    let marker = |oid: Oid| {
        format!(
            r#"{MARKER_PREFIX}{{"root":"public.r","root_oid":1,"oid":{oid},"from":"2026-01-01","to":"2026-02-01","detached_at":"2026-02-01T00:00:00Z"}}"#
        )
    };
    for name in ["r1", "gone", "held", "again", "parent", "kid"] {
        let marker = marker(oid(&mut client, name));
        let text = if name == "held" { format!("pgstrata: hold\n{marker}") } else { format!("kept\n{marker}") };
        let literal = postgres_protocol::escape::escape_literal(&text);
        client.batch_execute(&format!("COMMENT ON TABLE {name} IS {literal}; COMMENT ON VIEW v IS {literal}")).unwrap();
    }
    let snapshot = inspected(&db, &["public.r"]);
    let r = root(&snapshot, "public.r");
    let (r1, one) = leaf(r, "public.r1");
    assert_eq!(one.marker.as_ref().map(|marker| (marker.oid, marker.detached_at.is_some())), Some((r1, true)));
    assert!(!one.held && leaf(r, "public.r2").1.held && !leaf(r, "public.r3").1.held && !r.held);

    let retired: BTreeMap<String, _> = snapshot
        .catalog
        .retired
        .iter()
        .map(|(oid, table)| (table.name.name.as_str().to_owned(), (*oid, table)))
        .collect();
    assert_eq!(retired.keys().collect::<Vec<_>>(), ["again", "gone", "held", "kid", "parent"]);
    let (gone_oid, gone) = retired["gone"];
    assert_eq!((gone_oid, gone.marker.oid, gone.marker.root_oid), (oid(&mut client, "gone"), gone_oid, Oid(1)));
    assert_eq!((gone.owner.as_str(), gone.held, gone.rows_estimate), ("postgres", false, None));
    assert_eq!(gone.references, BTreeSet::from([table("public.tenant")]));
    let in_use = |name: &str| retired[name].1.in_use_as.as_deref();
    assert_eq!((in_use("gone"), in_use("again")), (None, Some("a partition of public.r4")));
    assert_eq!((in_use("parent"), in_use("kid")), (Some("a parent of public.kid"), Some("a child of public.parent")));
    assert!(retired["held"].1.held);
}

#[test]
fn the_session_role_and_the_owners_it_may_become() {
    let db = database("catalog_session");
    let mut admin = db.client();
    for name in ["cat_own_a", "cat_own_b", "cat_own_c"] {
        role(&mut admin, name, "");
    }
    role(&mut admin, "cat_login", "LOGIN IN ROLE cat_own_a");
    let major = inspected(&db, &[]).target.major();
    if major >= 16 {
        admin.batch_execute("GRANT cat_own_b TO cat_login WITH SET FALSE").unwrap();
    }
    admin
        .batch_execute(
            "CREATE TABLE r (at date) PARTITION BY RANGE (at); ALTER TABLE r OWNER TO cat_own_a;
            CREATE TABLE r1 PARTITION OF r FOR VALUES FROM ('2026-01-01') TO ('2026-02-01'); ALTER TABLE r1 OWNER TO cat_own_b;
            CREATE TABLE r2 PARTITION OF r FOR VALUES FROM ('2026-02-01') TO ('2026-03-01'); ALTER TABLE r2 OWNER TO cat_own_c;
            REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC;",
        )
        .unwrap();
    let all = ["cat_own_a", "cat_own_b", "cat_own_c"].map(Ident::new);
    let mut snapshot = inspected(&db, &["public.r"]);
    assert!(snapshot.catalog.session.superuser && snapshot.target.system_identifier.is_some());
    assert_eq!(snapshot.catalog.session.may_become, BTreeSet::from(all.clone()));

    snapshot = inspect_as(&mut client_as(&db, "cat_login"), &["public.r"]);
    let session = &snapshot.catalog.session;
    assert_eq!((session.name.as_str(), session.superuser), ("cat_login", false));
    assert_eq!(session.may_become, BTreeSet::from([all[0].clone()]));
    assert_eq!(session.superusers, BTreeSet::new());
    db.batch("ALTER TABLE r2 OWNER TO postgres");
    let session = inspect_as(&mut client_as(&db, "cat_login"), &["public.r"]).catalog.session;
    assert_eq!(session.superusers, BTreeSet::from([Ident::new("postgres")]));
    assert!(!session.may_become.contains(&Ident::new("postgres")));
    assert_eq!(root(&snapshot, "public.r").leaves.len(), 2, "the catalog needs no privilege on the tables");
    assert_eq!(snapshot.target.system_identifier, None, "and none on the control file");
}

#[test]
fn tables_that_pg_partman_maintains() {
    let db = database("catalog_partman");
    // The extension itself need not be installed: what counts is its row in the catalog and its table.
    db.batch(
        r#"CREATE SCHEMA "part man"; 
        CREATE TABLE "part man".part_config
          (parent_table text, automatic_maintenance text, control text, partition_interval text, premake int);
        CREATE TABLE a (at date) PARTITION BY RANGE (at); CREATE TABLE "B" (at date) PARTITION BY RANGE (at);
        CREATE TABLE c (at date) PARTITION BY RANGE (at);
        INSERT INTO "part man".part_config VALUES ('public.a', 'on'), ('public.B', 'on'), ('public.c', 'off');"#,
    );
    let tables = ["public.a", r#"public."B""#, "public.c"];
    assert_eq!(root(&inspected(&db, &tables), "public.a").partman, None, "a table of that name is no pg_partman");
    db.batch(
        r#"UPDATE pg_extension SET extname = 'pg_partman', extnamespace = '"part man"'::regnamespace WHERE extname = 'plpgsql'"#,
    );
    assert_eq!(root(&inspected(&db, &tables), "public.a").partman, None, "a table beside the extension is not its own");
    db.batch(r#"ALTER EXTENSION pg_partman ADD TABLE "part man".part_config"#);
    let snapshot = inspected(&db, &tables);
    let partman = tables.map(|name| root(&snapshot, name).partman.clone());
    assert_eq!(partman, [Some(Ident::new("part man")), Some(Ident::new("part man")), None]);

    role(&mut db.client(), "cat_no_partman", "LOGIN");
    let mut nobody = client_as(&db, "cat_no_partman");
    assert_eq!(root(&inspect_as(&mut nobody, &tables), "public.a").partman, None);
    db.batch(
        r#"GRANT USAGE ON SCHEMA "part man" TO cat_no_partman; GRANT SELECT ON "part man".part_config TO cat_no_partman;
        ALTER TABLE "part man".part_config ENABLE ROW LEVEL SECURITY"#,
    );
    let snapshot = inspect_as(&mut nobody, &tables);
    assert_eq!(root(&snapshot, "public.a").partman, None, "row security makes it unknown, and nothing else fails");
    assert_eq!(snapshot.catalog.tables.len(), 3);
}

#[test]
fn inspection_waits_for_nobody() {
    let db = database("catalog_locked");
    db.batch(
        "CREATE TABLE other (id int PRIMARY KEY);
        CREATE TABLE r (at date PRIMARY KEY, id int REFERENCES other) PARTITION BY RANGE (at);
        CREATE TABLE r1 PARTITION OF r FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
        CREATE TABLE rest PARTITION OF r DEFAULT; CREATE TABLE old (id int REFERENCES other);
        CREATE TABLE p (at date, tenant text) PARTITION BY RANGE (at); CREATE POLICY own ON p USING (tenant = CURRENT_USER);
        CREATE TABLE q (at date, tenant text) PARTITION BY RANGE (at); CREATE POLICY own ON q USING (tenant = CURRENT_USER);",
    );
    let mut free = inspected(&db, &["public.r", "public.p", "public.q"]);
    assert_eq!(root(&free, "public.p").attributes.row_security.policies.len(), 1);
    let mut holder = db.client();
    holder.batch_execute("BEGIN; LOCK TABLE r, r1, rest, other, old IN ACCESS EXCLUSIVE MODE").unwrap();
    let mut client = db.client();
    client.batch_execute("SET log_lock_waits = on").unwrap();
    let mut locked = inspect_as(&mut client, &["public.r", "public.p", "public.q"]);
    for snapshot in [&mut free, &mut locked] {
        (snapshot.taken_at, snapshot.clock_skew_ms) = (Timestamp::UNIX_EPOCH, 0);
    }
    assert_eq!(locked, free);

    // Only the text of a policy needs its table: that one table cannot be judged now, and the others can.
    holder.batch_execute("ROLLBACK; BEGIN; LOCK TABLE p IN ACCESS EXCLUSIVE MODE").unwrap();
    let began = Instant::now();
    let locked = inspect_as(&mut client, &["public.r", "public.p", "public.q"]);
    assert!(began.elapsed() < Duration::from_secs(25));
    let state = &locked.catalog.tables[&table("public.p")];
    assert!(matches!(state, TableState::Unfit(said) if said.contains("lock timeout")), "{state:?}");
    assert_eq!(root(&locked, "public.q").attributes.row_security.policies.len(), 1);
}

#[test]
fn the_target_its_clock_and_its_log() {
    let sandbox = own_server(Options {
        settings: settings(&[("cluster_name", "blue"), ("log_statement", "all"), ("log_line_prefix", "")]),
        ..Options::default()
    });
    let mut client = sandbox.connect("postgres").unwrap();
    let row = client.query_one(
        "SELECT system_identifier::text, current_setting('server_version_num')::int, pg_backend_pid(),
                (SELECT oid FROM pg_database WHERE datname = 'postgres') FROM pg_control_system()",
        &[],
    );
    let row = row.unwrap();
    let log_before = std::fs::read_to_string(sandbox.log_path()).unwrap().len();
    let ahead = || Timestamp::now() + SignedDuration::from_mins(7);
    let snapshot = inspect(&mut client, "db1", &BTreeSet::from([table("public.t")]), &BTreeSet::new(), &ahead).unwrap();
    let target = &snapshot.target;
    assert_eq!(target.system_identifier, Some(row.get(0)));
    assert_eq!((target.server_version_num, target.database_oid), (row.get::<_, i32>(1) as u32, Oid(row.get(3))));
    assert_eq!((target.database.as_str(), target.host.as_str(), target.in_recovery), ("postgres", "db1", false));
    assert_eq!(target.cluster_name.as_deref(), Some("blue"));
    assert!((snapshot.clock_skew_ms - 420_000).abs() < 5_000, "{}", snapshot.clock_skew_ms);
    assert!(Timestamp::now().duration_since(snapshot.taken_at).abs() < SignedDuration::from_secs(60));
    assert!(!snapshot.catalog.has_standbys);

    let log = std::fs::read_to_string(sandbox.log_path()).unwrap();
    let sent: Vec<&str> = log[log_before..]
        .lines()
        .filter_map(|line| line.strip_prefix("LOG:  statement: ").or(line.strip_prefix("LOG:  execute <unnamed>: ")))
        .collect();
    assert!(sent.len() > 4 && sent.iter().all(|sql| sql.starts_with("/* pgstrata inspect */")), "{sent:#?}");

    sandbox.connect("postgres").unwrap().execute("SELECT pg_terminate_backend($1)", &[&row.get::<_, i32>(2)]).unwrap();
    let error = inspect(&mut client, "db1", &BTreeSet::new(), &BTreeSet::new(), &Timestamp::now).unwrap_err();
    assert!(error.to_string().starts_with("opening a transaction: "), "{error}");
    let again = inspect(&mut client, "db1", &BTreeSet::new(), &BTreeSet::new(), &Timestamp::now).unwrap_err();
    assert!(matches!(again, InspectError::Lost { .. }), "{again}");
}

#[test]
fn a_session_comes_back_as_it_was() {
    let db = support::database("catalog_session_state");
    let mut client = db.client();
    inspect_as(&mut client, &["public.t"]);
    let row = client.query_one(
        "SELECT current_setting('TimeZone'), current_setting('lock_timeout'), current_setting('row_security'),
                current_setting('transaction_isolation'), pg_current_xact_id_if_assigned() IS NULL",
        &[],
    );
    let row = row.unwrap();
    let text: [String; 4] = [0, 1, 2, 3].map(|at| row.get(at));
    assert_eq!(text, ["Asia/Kolkata", "0", "on", "read committed"]);
    client.batch_execute("CREATE TABLE t (id int)").unwrap();
}
