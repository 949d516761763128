//! The fixture itself: a policy, a catalog, and what is true beyond the catalog.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::catalog::{
    Answer, Answers, Attributes, Bloat, Catalog, CopyName, DefaultCounts, DefaultKeys, Exclusions, Found, IndexFacts,
    IndexKey, IndexShape, KeyColumn, Leaf, LeafKey, LeafKind, LeafUpkeep, Marker, Oid, Question, ReplicaIdentity,
    Retired, Root, RowCount, RowSecurity, SNAPSHOT_FORMAT, SessionRole, Snapshot, TableState, Target, Upkeep,
};
use crate::grid::{Bound, Grid, KeyKind, KeyValue, LeafBounds};
use crate::plan::{Plan, PlanOptions, plan, questions, verify};
use crate::policy::{Desired, IndexDesired, IndexOn, Source, load};
use crate::sql::{Ident, TableName};

/// Rows that a partition has unless a test says otherwise.
const ROWS: u64 = 1000;
/// Bytes that a row takes in this world.
const BYTES_PER_ROW: u64 = 8192;

/// A database in memory.
///
/// ```
/// use pgstrata::testing::{World, lines};
/// let mut world = World::new(
///     "2026-03-14",
///     "tables: {public.events: {partition: {key: at, interval: 1 month, premake: 1}}}",
/// );
/// world.leaf("public.events", "2026-03-01", "2026-04-01");
/// assert_eq!(
///     lines(&world.plan()).lines().next(),
///     Some("+ public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing")
/// );
/// ```
#[derive(Clone, Debug)]
pub struct World {
    pub desired: Desired,
    pub snapshot: Snapshot,
    /// True rows of a partition or a detached table; one that is not here has none.
    pub rows: BTreeMap<Oid, u64>,
    /// Highest keys, where they are not the last that fits.
    pub highest: BTreeMap<Oid, KeyValue>,
    /// True sizes, where they are not simply so many bytes a row.
    pub bytes: BTreeMap<Oid, u64>,
    /// What of an index is there for nothing, where that is measured.
    pub bloat: BTreeMap<Oid, Bloat>,
    /// Keys of rows in a default partition.
    pub default_rows: BTreeMap<Oid, Vec<KeyValue>>,
    /// Names of other relations.
    pub names: BTreeSet<TableName>,
    /// What is in the way of a removal or an attach, by what asks for it.
    pub in_the_way: BTreeMap<Question, Vec<Found>>,
    /// Questions that the server cannot answer, and why.
    pub unknown: BTreeMap<Question, String>,
    next_oid: u32,
}

/// An instant from `2026-03-14`, `2026-03-14 12:00` or a whole RFC 3339 text.
pub fn at(text: &str) -> Timestamp {
    let full = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{}:00Z", text.replace(' ', "T")),
        _ => text.to_owned(),
    };
    full.parse().expect("an instant")
}

impl World {
    /// A server whose clock shows `now`, with an empty `timestamptz`-partitioned table for each of the policy's.
    pub fn new(now: &str, policy: &str) -> Self {
        Self::with_key(now, KeyKind::Timestamptz, policy)
    }

    /// The same with keys of another type.
    pub fn with_key(now: &str, kind: KeyKind, policy: &str) -> Self {
        let desired = desired(policy);
        let mut next_oid = 100;
        let mut catalog =
            Catalog { session: SessionRole { name: "app".to_owned(), ..SessionRole::default() }, ..Catalog::default() };
        for (name, table) in &desired.tables {
            next_oid += 1;
            let root = root(Oid(next_oid), KeyColumn { name: table.key.clone(), kind, not_null: true });
            catalog.tables.insert(name.clone(), TableState::Partitioned(Box::new(root)));
        }
        let target = Target {
            database: "app".to_owned(),
            host: "db1".to_owned(),
            cluster_name: None,
            system_identifier: Some("7000000000000000001".to_owned()),
            database_oid: Oid(5),
            server_version_num: 170_010,
            in_recovery: false,
            pooler: None,
        };
        let snapshot = Snapshot {
            format_version: SNAPSHOT_FORMAT.to_owned(),
            target,
            taken_at: at(now),
            clock_skew_ms: 0,
            catalog,
            answers: Answers::default(),
        };
        let empty = BTreeMap::new();
        Self {
            desired,
            snapshot,
            rows: BTreeMap::new(),
            highest: BTreeMap::new(),
            bytes: empty,
            bloat: BTreeMap::new(),
            default_rows: BTreeMap::new(),
            names: BTreeSet::new(),
            in_the_way: BTreeMap::new(),
            unknown: BTreeMap::new(),
            next_oid: 1000,
        }
    }

    /// Another policy over the same database.
    pub fn policy(&mut self, policy: &str) {
        self.desired = desired(policy);
    }

    /// Moves the server's clock.
    pub fn now(&mut self, now: &str) {
        self.snapshot.taken_at = at(now);
    }

    /// A table under policy, to change what the catalog says of it.
    pub fn root(&mut self, table: &str) -> &mut Root {
        match self.snapshot.catalog.tables.get_mut(&name(table)) {
            Some(TableState::Partitioned(root)) => root,
            Some(TableState::Missing | TableState::Unfit(_)) | None => panic!("{table} is no partitioned table here"),
        }
    }

    /// The table's windows by its policy.
    pub fn grid(&mut self, table: &str) -> Grid {
        let kind = self.root(table).key.kind;
        self.desired.tables[&name(table)].grid(kind).expect("a grid")
    }

    /// Attaches a partition with rows. An end is a date, a date and time as PostgreSQL prints it, MINVALUE or MAXVALUE.
    pub fn leaf(&mut self, table: &str, from: &str, to: &str) -> Oid {
        let kind = self.root(table).key.kind;
        let bounds = LeafBounds::Range { from: bound(kind, from), to: bound(kind, to) };
        self.attach(table, bounds, &format!("_{}", plain(from)))
    }

    /// Attaches a partition whose bounds are whatever `pg_get_expr` prints.
    pub fn leaf_of(&mut self, table: &str, bounds: &str) -> Oid {
        let bounds = LeafBounds::parse(self.root(table).key.kind, bounds);
        let suffix = format!("_odd{}", self.next_oid);
        self.attach(table, bounds, &suffix)
    }

    /// Attaches a partition for every window between two civil times of the table's zone, or two ids.
    pub fn windows(&mut self, table: &str, from: &str, to: &str) -> Vec<Oid> {
        let grid = self.grid(table);
        let index = |text: &str| {
            let position = text.parse().expect("a civil time, or an id");
            grid.value_of(position).and_then(|value| grid.index_of(value)).expect("on the grid")
        };
        let windows: Vec<_> = grid.windows_between(index(from), index(to) - 1).collect();
        windows
            .into_iter()
            .map(|window| {
                let bounds = LeafBounds::Range { from: window.from.into(), to: window.to.into() };
                self.attach(table, bounds, &format!("_{}", plain(&window.from.to_string())))
            })
            .collect()
    }

    /// Attaches an empty default partition.
    pub fn default_partition(&mut self, table: &str) -> Oid {
        let oid = self.attach(table, LeafBounds::Default, "_default");
        self.rows.remove(&oid);
        oid
    }

    fn attach(&mut self, table: &str, bounds: LeafBounds, suffix: &str) -> Oid {
        self.next_oid += 1;
        let oid = Oid(self.next_oid);
        let table = name(table);
        let leaf = Leaf {
            name: TableName::new(table.schema.as_str(), format!("{}{suffix}", table.name.as_str())),
            owner: Ident::new("app"),
            kind: LeafKind::Table,
            bounds,
            pending: false,
            held: false,
            marker: None,
            rows_estimate: None,
        };
        self.rows.insert(oid, ROWS);
        self.root(&table.to_string()).leaves.insert(oid, leaf);
        oid
    }

    /// A partition, to change what the catalog says of it.
    pub fn leaf_mut(&mut self, oid: Oid) -> &mut Leaf {
        let roots = self.snapshot.catalog.tables.values_mut().filter_map(|state| match state {
            TableState::Partitioned(root) => Some(root),
            TableState::Missing | TableState::Unfit(_) => None,
        });
        roots.into_iter().find_map(|root| root.leaves.get_mut(&oid)).expect("a partition with this OID")
    }

    /// The marker that this partition of this table would get.
    pub fn marker(&mut self, table: &str, oid: Oid) -> Marker {
        let root_oid = self.root(table).oid;
        let (from, to) = self.leaf_mut(oid).bounds.coverage().expect("a range");
        Marker { root: name(table), root_oid, oid, from, to, detached_at: None }
    }

    /// Marks a partition, as far as an interrupted removal got.
    pub fn mark(&mut self, table: &str, oid: Oid) {
        let marker = self.marker(table, oid);
        self.leaf_mut(oid).marker = Some(marker);
    }

    /// An index of a table: the root, or one of its partitions. Valid, unless a test says otherwise.
    pub fn index(&mut self, table: &str, of: Oid, name: &str, columns: &[&str], parent: Option<Oid>) -> Oid {
        self.next_oid += 1;
        let oid = Oid(self.next_oid);
        let definition = IndexDesired {
            method: Ident::new("btree"),
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
            include: Vec::new(),
            unique: false,
            nulls_not_distinct: false,
            predicate: None,
            with: BTreeMap::new(),
            tablespace: None,
            on: IndexOn::Table,
        };
        let facts = IndexFacts {
            name: TableName::new("public", name),
            table: of,
            parent,
            valid: true,
            building: false,
            constraint: false,
            in_use: false,
            comment: None,
            comment_is_lossy: false,
            targets: BTreeMap::new(),
            shape: shape(&definition),
            raw: None,
            copies: CopyName::default(),
        };
        self.root(table).indexes.insert(oid, facts);
        oid
    }

    /// How a table is kept, to change what the catalog says of it. At first nothing is due: analyzed a moment ago, and
    /// every partition frozen.
    pub fn upkeep(&mut self, table: &str) -> &mut Upkeep {
        let now = self.snapshot.taken_at;
        let root = self.root(table);
        let frozen = LeafUpkeep { pages: 100, rows: Some(ROWS), visible: 100, ..LeafUpkeep::default() };
        let leaves = root.leaves.keys().map(|oid| (*oid, frozen.clone())).collect();
        root.upkeep.get_or_insert_with(|| {
            Box::new(Upkeep { analyzed: true, analyzed_at: Some(now), block_bytes: 8192, leaves, ..Upkeep::default() })
        })
    }

    /// A detached table with its marker, stamped or not yet.
    pub fn retired(&mut self, table: &str, from: &str, to: &str, stamp: Option<&str>) -> Oid {
        let oid = self.leaf(table, from, to);
        self.retire(table, oid, stamp);
        oid
    }

    /// Makes a partition a detached table with its marker, stamped or not yet.
    pub fn retire(&mut self, table: &str, oid: Oid, stamp: Option<&str>) {
        let marker = Marker { detached_at: stamp.map(at), ..self.marker(table, oid) };
        let root = self.root(table);
        let references = root.references.clone();
        let leaf = root.leaves.remove(&oid).expect("a partition with this OID");
        let retired = Retired {
            name: leaf.name,
            owner: leaf.owner,
            marker,
            held: leaf.held,
            references,
            partitioned: BTreeSet::new(),
            cascades_from: BTreeSet::new(),
            exclusions: BTreeMap::new(),
            in_use_as: None,
            root_now: None,
            root_held: false,
            hold_line: None,
            rows_estimate: leaf.rows_estimate,
        };
        self.snapshot.catalog.retired.insert(oid, retired);
    }

    /// A detached table, to change what the catalog says of it.
    pub fn retired_mut(&mut self, oid: Oid) -> &mut Retired {
        self.snapshot.catalog.retired.get_mut(&oid).expect("a detached table with this OID")
    }

    /// Puts a row into the table's default partition.
    pub fn row_in_default(&mut self, table: &str, key: &str) {
        let kind = self.root(table).key.kind;
        let Bound::Value(value) = bound(kind, key) else { panic!("{key} is no value") };
        let (oid, _) = self.root(table).default_leaf().expect("a default partition");
        self.default_rows.entry(oid).or_default().push(value);
    }

    /// Options at the server's clock.
    pub fn options(&self) -> PlanOptions {
        PlanOptions::at(self.snapshot.taken_at)
    }

    /// Plans at the server's clock, without grants.
    pub fn plan(&mut self) -> Plan {
        let options = self.options();
        self.plan_with(&options)
    }

    /// Asks what planning asks, plans, and insists that the plan keeps every rule.
    pub fn plan_with(&mut self, options: &PlanOptions) -> Plan {
        self.ask(options);
        let plan = plan(&self.desired, &self.snapshot, options);
        if let Err(violations) = verify(&plan, &self.desired, &self.snapshot) {
            let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
            panic!("the planner broke a rule:\n{}\nin\n{}", violations.join("\n"), super::lines(&plan));
        }
        plan
    }

    /// Answers what planning with these options would ask.
    pub fn ask(&mut self, options: &PlanOptions) {
        self.snapshot.answers = Answers::default();
        for _ in 0..2 {
            let asked = questions(&self.desired, &self.snapshot, options);
            let taken = self.taken();
            let answers: Vec<_> =
                asked.into_iter().map(|question| (question.clone(), self.answer(&question, &taken))).collect();
            answers.into_iter().for_each(|(question, answer)| self.snapshot.answers.put(question, answer));
        }
    }

    /// Answers these questions as well.
    pub fn ask_also(&mut self, asked: &BTreeSet<Question>) {
        let taken = self.taken();
        let answers: Vec<_> = asked.iter().map(|question| (question.clone(), self.answer(question, &taken))).collect();
        for (question, answer) in answers {
            self.snapshot.answers.put(question, answer);
        }
    }

    fn answer(&self, question: &Question, taken: &BTreeSet<&TableName>) -> Answer {
        if let Some(because) = self.unknown.get(question) {
            return Answer::Unknown(because.clone());
        }
        match question {
            Question::NewestNonEmpty { root } => Answer::Leaf(self.newest(*root)),
            Question::HighestKeys { root } => Answer::Keys(self.keys(*root)),
            Question::DefaultRows { leaf, from, to } => {
                let rows = self.default_rows.get(leaf).into_iter().flatten();
                Answer::Rows(RowCount::Exactly(
                    rows.filter(|key| *from <= **key && Bound::Value(**key) < *to).map(|_| 1).sum(),
                ))
            }
            Question::DefaultKeys { leaf, edge, low, high } => {
                let keys: Vec<KeyValue> = self.default_rows.get(leaf).into_iter().flatten().copied().collect();
                let count = |is: &dyn Fn(KeyValue) -> bool| keys.iter().filter(|key| is(**key)).count() as u64;
                let expired = |key: KeyValue| edge.is_some_and(|edge| key < edge);
                Answer::DefaultKeys(Box::new(DefaultKeys {
                    rows: Some(keys.len() as u64),
                    exact: true,
                    counts: Some(DefaultCounts {
                        expired: count(&expired),
                        below: count(&|key| key < *low && !expired(key)),
                        above: count(&|key| key >= *high),
                        without_key: 0,
                        first_above: keys.iter().copied().filter(|key| key >= high).min(),
                    }),
                    least: keys.iter().min().map(ToString::to_string),
                    most: keys.iter().max().map(ToString::to_string),
                    least_is_expired: Some(keys.iter().copied().any(expired)),
                }))
            }
            Question::Bytes { relation } => {
                let by_rows = self.rows.get(relation).copied().unwrap_or_default() * BYTES_PER_ROW;
                Answer::Bytes(self.bytes.get(relation).copied().unwrap_or(by_rows))
            }
            Question::WantedIndex { root: _, definition } => Answer::Shape(Box::new(shape(definition).into())),
            Question::IndexSpelling { .. } => Answer::Unknown("there are no expressions in this world".to_owned()),
            Question::Bloat { index } => self.bloat.get(index).map_or_else(
                || Answer::Unknown("the extension pgstattuple is not in this database".to_owned()),
                |bloat| Answer::Bloat(*bloat),
            ),
            Question::NameTaken { name } => Answer::Taken(taken.contains(name)),
            Question::SchemaExists { .. } | Question::CreatesIn { .. } => Answer::Taken(true),
            Question::Exists { relation } => Answer::Taken(self.exists(*relation)),
            Question::References { .. } | Question::Dependants { .. } | Question::Fits { .. } => {
                Answer::Found(self.in_the_way.get(question).cloned().unwrap_or_default())
            }
        }
    }

    fn exists(&self, relation: Oid) -> bool {
        let catalog = &self.snapshot.catalog;
        catalog.retired.contains_key(&relation)
            || catalog.tables.values().any(|state| match state {
                TableState::Partitioned(root) => root.oid == relation || root.leaves.contains_key(&relation),
                TableState::Missing | TableState::Unfit(_) => false,
            })
    }

    /// Like the server's answer: among attached partitions with a finite upper bound, the uppermost with rows.
    fn newest(&self, root: Oid) -> Option<Oid> {
        self.occupied(root).first().map(|(oid, _, _)| *oid)
    }

    /// Like the server's answer: partitions with rows from the uppermost down to the first two that touch.
    fn keys(&self, root: Oid) -> Vec<LeafKey> {
        let mut keys: Vec<LeafKey> = Vec::new();
        let mut above = None;
        for (leaf, from, to) in self.occupied(root) {
            let key = self.highest.get(&leaf).copied().or_else(|| to.predecessor());
            keys.push(LeafKey { leaf, key });
            if above == Some(Bound::Value(to)) {
                break;
            }
            above = Some(from);
        }
        keys
    }

    /// Attached partitions with rows and a finite upper bound, from the uppermost down.
    fn occupied(&self, root: Oid) -> Vec<(Oid, Bound, KeyValue)> {
        let roots = self.snapshot.catalog.tables.values().filter_map(|state| match state {
            TableState::Partitioned(found) if found.oid == root => Some(found),
            TableState::Partitioned(_) | TableState::Missing | TableState::Unfit(_) => None,
        });
        let leaves = roots.flat_map(|root| &root.leaves).filter(|(_, leaf)| !leaf.pending);
        let ends = leaves.filter_map(|(oid, leaf)| match leaf.bounds {
            LeafBounds::Range { from, to: Bound::Value(to) } => Some((*oid, from, to)),
            LeafBounds::Range { .. } | LeafBounds::Default | LeafBounds::Other(_) => None,
        });
        let mut ends: Vec<_> = ends.filter(|(oid, _, _)| self.rows.get(oid).is_some_and(|rows| *rows > 0)).collect();
        ends.sort_by_key(|(oid, _, to)| std::cmp::Reverse((*to, *oid)));
        ends
    }

    /// The names of every relation.
    fn taken(&self) -> BTreeSet<&TableName> {
        let catalog = &self.snapshot.catalog;
        let mut taken: BTreeSet<&TableName> = self.names.iter().collect();
        taken.extend(catalog.retired.values().map(|table| &table.name));
        for (name, state) in &catalog.tables {
            match state {
                TableState::Partitioned(root) => {
                    taken.insert(name);
                    taken.extend(root.leaves.values().map(|leaf| &leaf.name));
                    taken.extend(root.indexes.values().map(|index| &index.name));
                }
                TableState::Unfit(_) => {
                    taken.insert(name);
                }
                TableState::Missing => {}
            }
        }
        taken
    }
}

fn desired(policy: &str) -> Desired {
    let source = Source::new("pgstrata.yaml", format!("version: 1\n{policy}"));
    let loaded = load(&[source], None, &|_| None).and_then(|(policy, _)| policy.resolve());
    loaded.unwrap_or_else(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("the policy is no policy:\n{}", errors.join("\n"))
    })
}

fn root(oid: Oid, key: KeyColumn) -> Root {
    Root {
        oid,
        key,
        attributes: Attributes {
            owner: Ident::new("app"),
            tablespace: None,
            grants: Vec::new(),
            row_security: RowSecurity::default(),
            replica_identity: ReplicaIdentity::Default,
            statistics_targets: BTreeMap::new(),
        },
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
    }
}

/// How this world's server spells a wanted index: plain columns, `desc` and nothing else behind them.
fn shape(definition: &IndexDesired) -> IndexShape {
    let IndexDesired { method, columns, include, unique, nulls_not_distinct, predicate, with, tablespace, on: _ } =
        definition;
    let key = |column: &String| {
        let (what, descending) = column.strip_suffix(" desc").map_or((column.as_str(), false), |what| (what, true));
        IndexKey {
            what: what.to_owned(),
            opclass: "pg_catalog.any_ops".to_owned(),
            opclass_options: Vec::new(),
            collation: None,
            descending,
            nulls_first: descending,
        }
    };
    IndexShape {
        method: method.as_str().to_owned(),
        unique: *unique,
        nulls_not_distinct: *nulls_not_distinct,
        keys: columns.iter().map(key).collect(),
        include: include.iter().map(|column| column.as_str().to_owned()).collect(),
        predicate: predicate.clone(),
        parameters: with.clone(),
        tablespace: tablespace.clone(),
    }
}

fn name(table: &str) -> TableName {
    table.parse().expect("schema.table")
}

fn bound(kind: KeyKind, text: &str) -> Bound {
    let value = |text: &str| KeyValue::parse(kind, text).map(Bound::Value).expect("a key value");
    match (text, kind, text.len()) {
        ("MINVALUE", _, _) => Bound::MinValue,
        ("MAXVALUE", _, _) => Bound::MaxValue,
        (_, KeyKind::Timestamptz, 10) => value(&format!("{text} 00:00:00+00")),
        (_, KeyKind::Timestamptz, 16) => value(&format!("{text}:00+00")),
        (_, KeyKind::Timestamp, 10) => value(&format!("{text} 00:00:00")),
        (_, KeyKind::Timestamp, 16) => value(&format!("{text}:00")),
        (
            _,
            KeyKind::Timestamptz
            | KeyKind::Timestamp
            | KeyKind::Date
            | KeyKind::SmallInt
            | KeyKind::Integer
            | KeyKind::BigInt
            | KeyKind::Uuid,
            _,
        ) => value(text),
    }
}

/// What of a bound can be part of a name: `2026-03-01 00:00:00+00` is `20260301`, another time of day stays.
fn plain(text: &str) -> String {
    let text = text.trim_end_matches("+00").trim_end_matches(" 00:00:00");
    text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}
