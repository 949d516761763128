//! Plans by the real planner over catalogs made up in memory, for the tests of everything that shows plans.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan, civil::Date};

use crate::catalog::{
    Answer, Answers, Attributes, Catalog, Exclusions, KeyColumn, Leaf, LeafKind, Marker, Oid, ReplicaIdentity, Retired,
    Root, RowSecurity, SNAPSHOT_FORMAT, SessionRole, Snapshot, TableState, Target,
};
use crate::grid::{Bound, KeyKind, LeafBounds};
use crate::plan::{Plan, PlanOptions, plan, questions};
use crate::policy::{Desired, Source, load};
use crate::sql::{Ident, TableName};

pub(crate) const EVENTS: &str = "
version: 1
tables:
  public.events:
    partition: {key: at, interval: 1 day, premake: 7}
    retention: {keep: 90 days, then: drop, grace: 7 days}
";

pub(crate) fn desired(yaml: &str) -> Desired {
    let (policy, _) = load(&[Source::new("pgstrata.yaml", yaml)], None, &|_| None).unwrap();
    policy.resolve().unwrap()
}

pub(crate) fn now() -> Timestamp {
    "2026-03-14T00:00:00Z".parse().unwrap()
}

fn bounds(from: Date, to: Date) -> LeafBounds {
    LeafBounds::parse(KeyKind::Timestamptz, &format!("FOR VALUES FROM ('{from} 00:00:00+00') TO ('{to} 00:00:00+00')"))
}

fn ends(bounds: &LeafBounds) -> (Bound, Bound) {
    bounds.coverage().unwrap()
}

/// A catalog under construction.
pub(crate) struct World {
    pub(crate) snapshot: Snapshot,
    next_oid: u32,
}

impl World {
    pub(crate) fn new() -> Self {
        let target = Target {
            database: "app".to_owned(),
            host: "db1".to_owned(),
            cluster_name: None,
            system_identifier: Some("7399999999999999999".to_owned()),
            database_oid: Oid(5),
            server_version_num: 170_010,
            in_recovery: false,
            pooler: None,
        };
        let session = SessionRole { name: "deploy".to_owned(), superuser: true, ..SessionRole::default() };
        let snapshot = Snapshot {
            format_version: SNAPSHOT_FORMAT.to_owned(),
            target,
            taken_at: now(),
            clock_skew_ms: 0,
            catalog: Catalog { session, ..Catalog::default() },
            answers: Answers::default(),
        };
        Self { snapshot, next_oid: 16_384 }
    }

    fn oid(&mut self) -> Oid {
        self.next_oid += 1;
        Oid(self.next_oid)
    }

    /// A table partitioned by `at`, `timestamptz`, without partitions.
    pub(crate) fn table(&mut self, name: &TableName) -> &mut Root {
        let oid = self.oid();
        let attributes = Attributes {
            owner: Ident::new("app_owner"),
            tablespace: None,
            grants: Vec::new(),
            row_security: RowSecurity::default(),
            replica_identity: ReplicaIdentity::Default,
            statistics_targets: BTreeMap::new(),
        };
        let root = Root {
            oid,
            key: KeyColumn { name: Ident::new("at"), kind: KeyKind::Timestamptz, not_null: true },
            attributes,
            held: false,
            leaves: BTreeMap::new(),
            indexes: BTreeMap::new(),
            upkeep: None,
            storage: Some(Box::default()),
            references: BTreeSet::new(),
            referenced_by: BTreeSet::new(),
            partitioned: BTreeSet::new(),
            siblings: None,
            keys_in: BTreeMap::new(),
            cascades_from: BTreeSet::new(),
            exclusions: Exclusions::default(),
            unmarked: BTreeSet::new(),
            leaf_publications: BTreeSet::new(),
            owner_creates_in_schema: true,
            owner_creates_in_tablespace: true,
            partman: None,
        };
        self.snapshot.catalog.tables.insert(name.clone(), TableState::Partitioned(Box::new(root)));
        self.root(name)
    }

    pub(crate) fn root(&mut self, name: &TableName) -> &mut Root {
        match self.snapshot.catalog.tables.get_mut(name) {
            Some(TableState::Partitioned(root)) => root,
            other => panic!("{name} is {other:?}"),
        }
    }

    /// Daily partitions from the first day to before the last.
    pub(crate) fn days(&mut self, table: &TableName, from: &str, to: &str) {
        let (mut day, to): (Date, Date) = (from.parse().unwrap(), to.parse().unwrap());
        while day < to {
            let next = day.checked_add(1.day()).unwrap();
            let name =
                TableName::new(table.schema.as_str(), format!("{}_p{}", table.name.as_str(), day.strftime("%Y%m%d")));
            self.leaf(table, name, bounds(day, next));
            day = next;
        }
    }

    pub(crate) fn leaf(&mut self, table: &TableName, name: TableName, bounds: LeafBounds) -> Oid {
        let oid = self.oid();
        let leaf = Leaf {
            name,
            owner: Ident::new("app_owner"),
            kind: LeafKind::Table,
            bounds,
            pending: false,
            held: false,
            marker: None,
            rows_estimate: Some(950_000_000),
        };
        self.root(table).leaves.insert(oid, leaf);
        oid
    }

    /// A detached, marked and stamped table of this day.
    pub(crate) fn detached(&mut self, table: &TableName, day: &str, at: &str) -> Oid {
        let day: Date = day.parse().unwrap();
        let (from, to) = ends(&bounds(day, day.checked_add(1.day()).unwrap()));
        let name =
            TableName::new(table.schema.as_str(), format!("{}_p{}", table.name.as_str(), day.strftime("%Y%m%d")));
        let (oid, root_oid) = (self.oid(), self.root(table).oid);
        let marker = Marker { root: table.clone(), root_oid, oid, from, to, detached_at: Some(at.parse().unwrap()) };
        let retired = Retired {
            name,
            owner: Ident::new("app_owner"),
            marker,
            held: false,
            references: BTreeSet::new(),
            partitioned: BTreeSet::new(),
            cascades_from: BTreeSet::new(),
            exclusions: BTreeMap::new(),
            in_use_as: None,
            root_now: None,
            root_held: false,
            hold_line: None,
            rows_estimate: Some(950_000_000),
        };
        self.snapshot.catalog.retired.insert(oid, retired);
        oid
    }

    /// Answers whatever planning asks: names are free, the newest partition has rows, each table has 201 GB.
    pub(crate) fn plan(&mut self, desired: &Desired, options: &PlanOptions) -> Plan {
        use crate::catalog::{DefaultCounts, DefaultKeys, Question, RowCount};
        for name in desired.tables.keys() {
            self.snapshot.catalog.tables.entry(name.clone()).or_insert(TableState::Missing);
        }
        for question in questions(desired, &self.snapshot, options) {
            if self.snapshot.answers.has(&question) {
                continue;
            }
            let answer = match &question {
                Question::NewestNonEmpty { root } => {
                    let found = self.snapshot.catalog.tables.values().find_map(|state| match state {
                        TableState::Partitioned(found) if found.oid == *root => found.leaves.keys().last().copied(),
                        TableState::Partitioned(_) | TableState::Missing | TableState::Unfit(_) => None,
                    });
                    Answer::Leaf(found)
                }
                Question::HighestKeys { .. } => Answer::Keys(Vec::new()),
                Question::DefaultRows { .. } => Answer::Rows(RowCount::Exactly(0)),
                Question::DefaultKeys { .. } => Answer::DefaultKeys(Box::new(DefaultKeys {
                    rows: Some(0),
                    exact: true,
                    counts: Some(DefaultCounts::default()),
                    least: None,
                    most: None,
                    least_is_expired: Some(false),
                })),
                Question::Bloat { .. } => Answer::Unknown("nothing was measured".to_owned()),
                Question::Bytes { .. } => Answer::Bytes(201 << 30),
                Question::NameTaken { .. } | Question::Exists { .. } => Answer::Taken(false),
                Question::References { .. } | Question::Dependants { .. } | Question::Fits { .. } => {
                    Answer::Found(Vec::new())
                }
                Question::SchemaExists { .. } | Question::CreatesIn { .. } => Answer::Taken(true),
                Question::WantedIndex { .. } | Question::IndexSpelling { .. } => {
                    Answer::Unknown("no indexes in this world".to_owned())
                }
            };
            self.snapshot.answers.put(question, answer);
        }
        plan(desired, &self.snapshot, options)
    }
}

pub(crate) fn events() -> TableName {
    TableName::new("public", "events")
}

/// Creations, a run that leaves, drops whose grace is over, a table in grace, a partition off the grid.
pub(crate) fn busy() -> Plan {
    let mut world = World::new();
    let events = events();
    world.table(&events);
    let odd = LeafBounds::parse(
        KeyKind::Timestamptz,
        "FOR VALUES FROM ('2020-01-01 12:00:00+00') TO ('2020-01-03 07:00:00+00')",
    );
    world.leaf(&events, TableName::new("public", "events_import_tmp"), odd);
    world.days(&events, "2025-12-12", "2026-03-15");
    world.detached(&events, "2025-12-05", "2026-03-06T01:02:03Z");
    world.detached(&events, "2025-12-06", "2026-03-07T00:00:00Z");
    world.detached(&events, "2025-12-07", "2026-03-08T01:02:03Z");
    world.plan(&desired(EVENTS), &PlanOptions::at(now()))
}

/// Creations that are due, and removals that are late.
pub(crate) fn overdue() -> Plan {
    let mut world = World::new();
    world.table(&events());
    world.days(&events(), "2025-11-20", "2026-03-21");
    world.detached(&events(), "2025-11-18", "2026-02-01T00:00:00Z");
    world.plan(&desired(EVENTS), &PlanOptions::at(now()))
}

/// Every kind of action and of reason to be blocked that a plan of one moment can show, and findings of each level.
pub(crate) fn all_kinds() -> Plan {
    let mut world = World::new();
    let events = events();
    world.table(&events).references.insert(TableName::new("public", "customers"));
    world.root(&events).leaf_publications.insert("feed".to_owned());
    // Newer first by OID: the last OID is what the fixture calls the newest with rows.
    world.days(&events, "2025-12-10", "2026-03-15");
    world.detached(&events, "2025-12-05", "2026-03-06T01:02:03Z");
    let torn = world.detached(&events, "2025-12-09", "2026-03-09T00:00:00Z");
    world.snapshot.catalog.retired.get_mut(&torn).unwrap().marker.detached_at = None;
    world.snapshot.catalog.has_standbys = true;

    let orders = TableName::new("Sales `x`", "Orders|*<b>");
    world.table(&orders);
    world.days(&orders, "2026-03-10", "2026-03-12");
    let first = world.leaf(
        &orders,
        TableName::new("Sales `x`", "odd\nname"),
        bounds("2026-03-13".parse().unwrap(), "2026-03-14".parse().unwrap()),
    );
    world.root(&orders).leaves.get_mut(&first).unwrap().pending = true;
    let stays = *world.root(&orders).leaves.keys().next().unwrap();
    world.root(&orders).leaves.get_mut(&stays).unwrap().owner = Ident::new("someone");

    let logs = TableName::new("public", "logs");
    world.table(&logs);
    world.leaf(&logs, TableName::new("public", "logs_default"), LeafBounds::Default);
    world.days(&logs, "2026-02-01", "2026-03-20");
    let back = world.detached(&logs, "2026-01-31", "2026-03-09T00:00:00Z");
    world.snapshot.catalog.retired.get_mut(&back).unwrap().rows_estimate = None;

    let plain = TableName::new("public", "plain");
    world.snapshot.catalog.tables.insert(plain, TableState::Unfit("an ordinary table".to_owned()));
    let yaml = format!(
        "{EVENTS}  '\"Sales `x`\".\"Orders|*<b>\"':\n    partition: {{key: at, interval: 1 day, premake: 1, default_partition: require}}\n    storage_parameters: {{fillfactor: 90}}\n    inherit_privileges: true\n  \
         public.logs:\n    partition: {{key: at, interval: 1 day, premake: 2}}\n    retention: {{keep: 40 days, then: drop, grace: 0 days}}\n  \
         public.plain:\n    partition: {{key: at, interval: 1 month}}\n    indexes: {{plain_idx: {{columns: [at]}}}}\n  \
         public.gone:\n    partition: {{key: at, interval: 1 month}}\n    storage_parameters: {{fillfactor: 90}}\n\
         apply: {{max_drop: {{windows: 1, span: 1 day}}}}\n"
    );
    world.plan(&desired(&yaml), &PlanOptions::at(now()))
}

/// So many tables with something to create, detach and drop.
pub(crate) fn vast(tables: usize) -> Plan {
    let mut world = World::new();
    let mut yaml = "version: 1\ntables:\n".to_owned();
    for at in 0..tables {
        let name = TableName::new("public", format!("a_table_with_a_name_as_long_as_they_get_{at:04}"));
        world.table(&name);
        world.days(&name, "2026-03-01", "2026-03-15");
        world.detached(&name, "2026-02-20", "2026-03-01T00:00:00Z");
        yaml.push_str(&format!(
            "  {name}:\n    partition: {{key: at, interval: 1 day, premake: 3}}\n    \
             retention: {{keep: 10 days, then: drop, grace: 1 day}}\n"
        ));
    }
    world.plan(&desired(&yaml), &PlanOptions::at(now()))
}
