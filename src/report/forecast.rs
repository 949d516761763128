//! When autovacuum comes by itself, and how far transaction ids have run: by the server's own rules, from what the
//! catalog and the counters say now. Partitions are rolled up to their root, with the worst of them named.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::catalog::{LeafUpkeep, Snapshot, TableState, Upkeep};
use crate::sql::TableName;

/// Transactions that a database may be behind: 2^31 (section 24.1.5).
pub const WRAPAROUND: u64 = 1 << 31;

/// One table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// The table.
    pub table: TableName,
    /// Its partitions that are ordinary tables.
    pub partitions: u32,
    /// Since when the server has counted, at the latest: what it counts is not known from before.
    pub counted_since: Option<Timestamp>,
    /// Why autovacuum never comes, where it does not.
    pub off: Option<&'static str>,
    /// Partitions whose own settings keep autovacuum away, but for wraparound.
    pub disabled: u32,
    /// Dead rows.
    pub vacuum: Due,
    /// Inserted rows.
    pub insert: Due,
    /// Changed rows.
    pub analyze: Due,
    /// `age(relfrozenxid)`.
    pub transactions: Age,
    /// `mxid_age(relminmxid)`.
    pub multixacts: Age,
}

/// One of autovacuum's reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Due {
    /// Partitions for which it is due.
    pub due: u32,
    /// The one that is nearest to its limit, or furthest beyond.
    pub worst: Option<Worst>,
    /// The server's rule, in words.
    pub rule: &'static str,
}

/// The partition that is nearest to a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Worst {
    /// The partition.
    pub partition: TableName,
    /// Counted.
    pub count: u64,
    /// Its limit: more than this is due.
    pub limit: u64,
}

/// How far ids have run since the oldest that is not frozen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Age {
    /// The oldest partition.
    pub oldest: Option<Oldest>,
    /// At this age autovacuum comes, whatever its settings say: the partition's own limit, or the server's.
    pub forced_at: Option<u64>,
    /// At this age a vacuum leaves everything else aside (14 and later).
    pub failsafe_at: Option<u64>,
    /// At this age, or a little before, the server takes no more writes.
    pub stops_at: u64,
}

/// The partition whose oldest id is furthest behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Oldest {
    /// The partition.
    pub partition: TableName,
    /// How far.
    pub age: u64,
}

const VACUUM: &str = "dead rows > autovacuum_vacuum_threshold + autovacuum_vacuum_scale_factor × rows";
const VACUUM_18: &str = "dead rows > the lesser of autovacuum_vacuum_max_threshold and \
                         autovacuum_vacuum_threshold + autovacuum_vacuum_scale_factor × rows";
const INSERT: &str = "inserted rows > autovacuum_vacuum_insert_threshold + \
                      autovacuum_vacuum_insert_scale_factor × rows";
const INSERT_18: &str = "inserted rows > autovacuum_vacuum_insert_threshold + \
                         autovacuum_vacuum_insert_scale_factor × rows × share of pages not frozen";
const ANALYZE: &str = "changed rows > autovacuum_analyze_threshold + autovacuum_analyze_scale_factor × rows";

/// Of every table whose upkeep was read, by name.
pub fn forecast(snapshot: &Snapshot) -> Vec<Forecast> {
    let modern = snapshot.target.major() >= 18;
    let tables = snapshot.catalog.tables.iter().filter_map(|(name, state)| match state {
        TableState::Partitioned(root) => {
            let upkeep = root.upkeep.as_deref()?;
            let names = root.leaves.iter().map(|(oid, leaf)| (*oid, &leaf.name)).collect::<BTreeMap<_, _>>();
            let leaves: Vec<(&TableName, &LeafUpkeep)> =
                upkeep.leaves.iter().filter_map(|(oid, leaf)| Some((*names.get(oid)?, leaf))).collect();
            Some(of_table(name, upkeep, &leaves, modern))
        }
        TableState::Missing | TableState::Unfit(_) => None,
    });
    tables.collect()
}

fn of_table(table: &TableName, upkeep: &Upkeep, leaves: &[(&TableName, &LeafUpkeep)], modern: bool) -> Forecast {
    let on = |name: &str| upkeep.autovacuum.0.get(name).is_none_or(|value| value == "on");
    let off = match (on("autovacuum"), on("track_counts")) {
        (false, _) => Some("autovacuum is off: it comes to prevent wraparound alone"),
        (true, false) => Some("track_counts is off: autovacuum comes to prevent wraparound alone"),
        (true, true) => None,
    };
    let enabled = |leaf: &LeafUpkeep| {
        let own = leaf.parameters.get("autovacuum_enabled");
        own.is_none_or(|value| matches!(value.as_str(), "true" | "on" | "yes" | "1"))
    };
    let served: Vec<_> = leaves.iter().filter(|(_, leaf)| enabled(leaf)).copied().collect();
    let due = |rule, count: &dyn Fn(&LeafUpkeep) -> u64, limit: &dyn Fn(&LeafUpkeep) -> Option<f64>| {
        due(rule, &served, count, limit)
    };
    let number = |leaf: &LeafUpkeep, name: &str| upkeep.autovacuum.number(&leaf.parameters, name);
    let rows = |leaf: &LeafUpkeep| as_float(leaf.rows.unwrap_or_default());
    let linear = |leaf: &LeafUpkeep, threshold: &str, factor: &str, rows: f64| {
        Some(number(leaf, threshold)? + number(leaf, factor)? * rows)
    };
    Forecast {
        table: table.clone(),
        partitions: u32::try_from(leaves.len()).unwrap_or(u32::MAX),
        counted_since: upkeep.counted_since,
        off,
        disabled: u32::try_from(leaves.len() - served.len()).unwrap_or(u32::MAX),
        vacuum: due(if modern { VACUUM_18 } else { VACUUM }, &|leaf| leaf.dead, &|leaf| {
            let limit = linear(leaf, "autovacuum_vacuum_threshold", "autovacuum_vacuum_scale_factor", rows(leaf))?;
            // -1 is none.
            let most = number(leaf, "autovacuum_vacuum_max_threshold").filter(|most| *most >= 0.0);
            Some(most.map_or(limit, |most| most.min(limit)))
        }),
        insert: due(if modern { INSERT_18 } else { INSERT }, &|leaf| leaf.inserted, &|leaf| {
            number(leaf, "autovacuum_vacuum_insert_threshold").filter(|threshold| *threshold >= 0.0)?;
            let unfrozen = match leaf.frozen {
                Some(frozen) if leaf.pages > 0 => 1.0 - as_float(frozen.min(leaf.pages)) / as_float(leaf.pages),
                Some(_) | None => 1.0,
            };
            linear(
                leaf,
                "autovacuum_vacuum_insert_threshold",
                "autovacuum_vacuum_insert_scale_factor",
                rows(leaf) * unfrozen,
            )
        }),
        analyze: due(ANALYZE, &|leaf| leaf.modified, &|leaf| {
            linear(leaf, "autovacuum_analyze_threshold", "autovacuum_analyze_scale_factor", rows(leaf))
        }),
        transactions: age(upkeep, leaves, "autovacuum_freeze_max_age", "vacuum_failsafe_age", &|leaf| leaf.xid_age),
        multixacts: age(
            upkeep,
            leaves,
            "autovacuum_multixact_freeze_max_age",
            "vacuum_multixact_failsafe_age",
            &|leaf| leaf.mxid_age,
        ),
    }
}

fn due(
    rule: &'static str,
    leaves: &[(&TableName, &LeafUpkeep)],
    count: &dyn Fn(&LeafUpkeep) -> u64,
    limit: &dyn Fn(&LeafUpkeep) -> Option<f64>,
) -> Due {
    let mut worst: Option<(f64, Worst)> = None;
    let mut due = 0;
    for (name, leaf) in leaves {
        let Some(limit) = limit(leaf) else { continue };
        let counted = count(leaf);
        due += u32::from(as_float(counted) > limit);
        let share = as_float(counted) / limit.max(1.0);
        if counted > 0 && worst.as_ref().is_none_or(|(most, _)| share > *most) {
            worst = Some((share, Worst { partition: (*name).clone(), count: counted, limit: whole(limit) }));
        }
    }
    Due { due, worst: worst.map(|(_, worst)| worst), rule }
}

fn age(
    upkeep: &Upkeep,
    leaves: &[(&TableName, &LeafUpkeep)],
    max_age: &str,
    failsafe: &str,
    of: &dyn Fn(&LeafUpkeep) -> u32,
) -> Age {
    let setting = |name: &str| upkeep.autovacuum.0.get(name).and_then(|value| value.parse::<u64>().ok());
    let server = setting(max_age);
    let oldest = leaves.iter().max_by_key(|(name, leaf)| (of(leaf), std::cmp::Reverse(*name)));
    // A table may only ask for it earlier.
    let own = oldest.and_then(|(_, leaf)| leaf.parameters.get(max_age)?.parse::<u64>().ok());
    Age {
        oldest: oldest.map(|(name, leaf)| Oldest { partition: (*name).clone(), age: u64::from(of(leaf)) }),
        forced_at: server.map(|server| own.map_or(server, |own| own.min(server))),
        // The server takes no less than 105% of the age at which it is forced.
        failsafe_at: setting(failsafe).map(|at| at.max(server.unwrap_or_default() / 100 * 105)),
        stops_at: WRAPAROUND,
    }
}

#[expect(clippy::cast_precision_loss, reason = "the server reckons in floats as well")]
fn as_float(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a limit is not negative")]
fn whole(limit: f64) -> u64 {
    limit.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    const TABLE: &str = "public.events";

    fn world(settings: &[(&str, &str)]) -> World {
        let mut world =
            World::new("2026-03-14", &format!("tables: {{{TABLE}: {{partition: {{key: at, interval: 1 month}}}}}}"));
        world.windows(TABLE, "2026-01-01", "2026-04-01");
        let upkeep = world.upkeep(TABLE);
        let defaults = [
            ("autovacuum_vacuum_threshold", "50"),
            ("autovacuum_vacuum_scale_factor", "0.2"),
            ("autovacuum_vacuum_insert_threshold", "1000"),
            ("autovacuum_vacuum_insert_scale_factor", "0.2"),
            ("autovacuum_analyze_threshold", "50"),
            ("autovacuum_analyze_scale_factor", "0.1"),
            ("autovacuum_freeze_max_age", "200000000"),
            ("vacuum_failsafe_age", "1600000000"),
        ];
        for (name, value) in defaults.iter().chain(settings) {
            upkeep.autovacuum.0.insert((*name).to_owned(), (*value).to_owned());
        }
        world
    }

    fn leaves(world: &mut World) -> Vec<&mut LeafUpkeep> {
        world.upkeep(TABLE).leaves.values_mut().collect()
    }

    fn only(world: &World) -> Forecast {
        forecast(&world.snapshot).remove(0)
    }

    #[test]
    fn more_than_the_limit_is_due_and_the_worst_is_named() {
        let mut world = world(&[]);
        let leaves = leaves(&mut world);
        // 50 + 0.2 × 1000
        for (leaf, dead) in leaves.into_iter().zip([250, 251, 300]) {
            leaf.dead = dead;
        }
        let found = only(&world).vacuum;
        assert_eq!(found.due, 2);
        let worst = found.worst.unwrap();
        assert_eq!(
            (worst.partition.to_string().as_str(), worst.count, worst.limit),
            ("public.events_20260301", 300, 250)
        );
    }

    #[test]
    fn a_partition_has_settings_of_its_own() {
        let mut world = world(&[]);
        for leaf in leaves(&mut world) {
            (leaf.dead, leaf.inserted, leaf.modified, leaf.xid_age) = (200, 2000, 200, 1000);
        }
        let mut all = leaves(&mut world);
        all[0].parameters.insert("autovacuum_vacuum_scale_factor".to_owned(), "0.01".to_owned());
        all[0].parameters.insert("autovacuum_vacuum_insert_threshold".to_owned(), "-1".to_owned());
        all[1].parameters.insert("autovacuum_enabled".to_owned(), "false".to_owned());
        all[2].parameters.insert("autovacuum_freeze_max_age".to_owned(), "150000000".to_owned());
        all[2].xid_age = 2000;
        let found = only(&world);
        assert_eq!((found.vacuum.due, found.insert.due, found.analyze.due, found.disabled), (1, 1, 2, 1));
        assert_eq!(found.transactions.forced_at, Some(150_000_000));
        assert_eq!(found.transactions.oldest.unwrap().age, 2000);
    }

    #[test]
    fn from_18_on_there_is_a_maximum_and_frozen_pages_do_not_count() {
        let mut world = world(&[("autovacuum_vacuum_max_threshold", "100")]);
        world.snapshot.target.server_version_num = 180_000;
        let mut all = leaves(&mut world);
        (all[0].dead, all[0].inserted, all[0].frozen) = (101, 1101, Some(50));
        (all[1].inserted, all[1].frozen) = (1101, Some(0));
        let found = only(&world);
        assert_eq!((found.vacuum.due, found.insert.due), (1, 1));
    }

    #[test]
    fn without_counts_autovacuum_has_nothing_to_go_by() {
        let found = only(&world(&[("track_counts", "off")]));
        assert!(found.off.unwrap().contains("track_counts"));
    }
}
