//! Facts as questions to the server: what a unit checks for itself before it changes anything.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ident, Literal, TableName, is_caseless, storage, trust};
use crate::catalog::{HOLD_REGEX, MARKER_PREFIX, Marker, Oid};
use crate::grid::LeafBounds;
use crate::plan::{Fact, Object, Relation, Seen, Stamp};

/// A boolean expression that is true while the fact holds; `None` where the statement itself refuses (overlapping
/// bounds: 42P17).
pub(super) fn expression(fact: &Fact) -> Option<String> {
    match fact {
        Fact::Parent { root } => Some(format!("{} AND c.relkind = 'p')", named(&root.name, root.oid))),
        Fact::NameFree { name } => Some(format!("to_regclass({}) IS NULL", Literal(&name.in_text()))),
        Fact::RangeFree { .. } => None,
        Fact::NoDefault { root } => {
            Some(format!("EXISTS (SELECT FROM pg_partitioned_table WHERE partrelid = {} AND partdefid = 0)", root.oid))
        }
        Fact::Attached { root, partition, oid, bounds, pending } => {
            Some(attached(root.oid, partition, *oid, bounds, *pending))
        }
        // No EXISTS over its children: a partitioned table has relkind p, and inheritance children show in pg_inherits.
        Fact::Detached { partition } => Some(format!(
            "{} AND c.relkind = 'r' AND NOT c.relispartition) AND NOT EXISTS (SELECT FROM pg_inherits WHERE {oid} IN (inhrelid, inhparent))",
            named(&partition.name, partition.oid),
            oid = partition.oid
        )),
        Fact::Left { root, partition } => Some(format!(
            "NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = {} AND inhparent = {})",
            partition.oid, root.oid
        )),
        Fact::Marked { partition, marker, stamp } => Some(marked(partition.oid, marker, *stamp)),
        Fact::NotHeld { partition, root } => Some(format!(
            "NOT EXISTS (SELECT FROM pg_description WHERE classoid = 'pg_class'::regclass AND objsubid = 0 AND objoid IN ({}, {}) AND description ~ {})",
            partition.oid,
            root.oid,
            Literal(HOLD_REGEX)
        )),
        Fact::NoOwnersCode { root, detached, by } => {
            Some(trust::none(root.oid, detached.as_ref().map(|table| table.oid), by))
        }
        Fact::Index { index, table, valid, attached_to, shape: _ } => {
            Some(self::index(index, table, *valid, attached_to.as_ref()))
        }
        Fact::IndexParameters { index, set, reset } => Some(index_parameters(index, set, reset)),
        Fact::NoIndex { index } => Some(format!("NOT EXISTS (SELECT FROM pg_class WHERE oid = {})", index.oid)),
        Fact::Altered { root: _, partition, oid, alterations } => Some(storage::check(partition, *oid, alterations)),
        Fact::ParentGrants { root, partition, items, makes, secures } => {
            Some(storage::parent_grants(root.oid, partition.oid, items, makes, *secures))
        }
        Fact::Analyzed { root, after } => Some(format!(
            "EXISTS (SELECT FROM pg_class WHERE oid = {oid} AND reltuples >= 0){after}",
            oid = root.oid,
            after = after.map_or_else(String::new, |after| format!(
                " AND coalesce(pg_stat_get_last_analyze_time({}) > {}::timestamptz, false)",
                root.oid,
                Literal(&after.to_string())
            ))
        )),
        Fact::Frozen { partition, max_age } => Some(format!(
            "{} AND c.relkind = 'r' AND c.reltuples >= 0 AND c.relallvisible >= c.relpages AND age(c.relfrozenxid) <= {max_age})",
            named(&partition.name, partition.oid)
        )),
        Fact::SameIndex { index } => Some(format!(
            "{} AND EXISTS (SELECT FROM pg_index x WHERE x.indexrelid = c.oid AND x.indisvalid))",
            named(&index.name, index.oid)
        )),
        Fact::Rebuilt { index } => Some(format!(
            "EXISTS (SELECT FROM pg_index x WHERE x.indexrelid = to_regclass({}) AND x.indexrelid <> {} AND x.indisvalid)",
            Literal(&index.name.in_text()),
            index.oid
        )),
        Fact::ConnectionLimit { of: Object::Database(name), limit } => {
            Some(format!("EXISTS (SELECT FROM pg_database WHERE datname = {} AND datconnlimit = {limit})", text(name)))
        }
        Fact::ConnectionLimit { of: Object::Role(name), limit } => {
            Some(format!("EXISTS (SELECT FROM pg_roles WHERE rolname = {} AND rolconnlimit = {limit})", text(name)))
        }
        // Nothing else has one.
        Fact::ConnectionLimit {
            of: Object::Relation(_) | Object::Service(_) | Object::Setting(_) | Object::Pooler(_),
            limit: _,
        } => Some("false".to_owned()),
        Fact::Setting { name, value, seen, or_in_files } => Some(setting(name, value, *seen, or_in_files.as_deref())),
        Fact::RoleSettings { role, database, values } => Some(role_settings(role, database, values)),
        Fact::Gone { partition } => Some(format!("NOT EXISTS (SELECT FROM pg_class WHERE oid = {})", partition.oid)),
    }
}

/// Each is an entry `name=value` of one array, or is none of it.
fn role_settings(role: &Ident, database: &Ident, values: &BTreeMap<String, Option<String>>) -> String {
    let entries = format!(
        "EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) e WHERE r.rolname = {} AND d.datname = {}",
        text(role),
        text(database)
    );
    let all = values.iter().map(|(name, value)| match value {
        Some(value) => format!("{entries} AND e = {})", Literal(&format!("{name}={value}"))),
        None => format!("NOT {entries} AND starts_with(e, {}))", Literal(&format!("{name}="))),
    });
    all.collect::<Vec<_>>().join(" AND ")
}

/// `reset_val` is what the server has, whatever the asking session has set for itself.
fn setting(name: &str, value: &str, seen: Seen, or_in_files: Option<&str>) -> String {
    let (of, value) = (Literal(name), Literal(value));
    let same = match (is_caseless(name), name) {
        (true, _) => format!("lower(reset_val) = lower({value})"),
        // It is shown with its schema.
        (false, "default_text_search_config") => format!("reset_val IN ({value}, 'pg_catalog.' || {value})"),
        (false, _) => format!("reset_val = {value}"),
    };
    let shown = |condition: &str| format!("EXISTS (SELECT FROM pg_settings WHERE lower(name) = {of} AND {condition})");
    let in_files = |condition: &str| {
        format!(
            "coalesce((SELECT {condition} FROM pg_file_settings WHERE lower(name) = {of} ORDER BY seqno DESC LIMIT 1), false)"
        )
    };
    match (seen, or_in_files) {
        (Seen::InForce, Some(text)) => format!(
            "({} OR {})",
            shown(&same),
            in_files(&format!("setting = {} AND applied AND error IS NULL", Literal(text)))
        ),
        (Seen::InForce, None) => shown(&same),
        (Seen::AtRestart, _) => shown(&format!("(pending_restart OR {same})")),
        (Seen::InFiles, _) => in_files(&format!("setting = {value}")),
        (Seen::NotInFiles, _) => format!("NOT EXISTS (SELECT FROM pg_file_settings WHERE lower(name) = {of})"),
    }
}

/// An EXISTS, left open, over the relation that has both this name and this OID.
fn named(name: &TableName, oid: Oid) -> String {
    format!(
        "EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = {oid} AND n.nspname = {} AND c.relname = {}",
        text(&name.schema),
        text(&name.name)
    )
}

fn index(index: &TableName, table: &TableName, valid: Option<bool>, attached_to: Option<&TableName>) -> String {
    let regclass = |name: &TableName| format!("to_regclass({})", Literal(&name.in_text()));
    let valid = match valid {
        Some(true) => " AND x.indisvalid",
        Some(false) => " AND NOT x.indisvalid",
        None => "",
    };
    let attached = match attached_to {
        Some(parent) => format!(
            "EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = x.indexrelid AND h.inhparent = {})",
            regclass(parent)
        ),
        None => "NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = x.indexrelid)".to_owned(),
    };
    format!(
        "EXISTS (SELECT FROM pg_index x WHERE x.indexrelid = {} AND x.indrelid = {}{valid} AND {attached})",
        regclass(index),
        regclass(table)
    )
}

/// What was set stands there as it was written; what was reset does not.
fn index_parameters(index: &Relation, set: &BTreeMap<String, String>, reset: &BTreeSet<String>) -> String {
    let set = set.iter().map(|(name, value)| {
        format!(" AND coalesce({} = ANY (c.reloptions), false)", Literal(&format!("{name}={value}")))
    });
    let reset = reset.iter().map(|name| {
        format!(
            " AND NOT EXISTS (SELECT FROM unnest(c.reloptions) AS o WHERE starts_with(o, {}))",
            Literal(&format!("{name}="))
        )
    });
    format!("{}{})", named(&index.name, index.oid), set.chain(reset).collect::<String>())
}

fn text(ident: &Ident) -> String {
    Literal(ident.as_str()).to_string()
}

/// A partition that this plan makes has no OID yet: then its name must do.
fn attached(root: Oid, partition: &TableName, oid: Option<Oid>, bounds: &LeafBounds, pending: bool) -> String {
    // With 0 as its second argument pg_get_expr opens no relation, and so waits for nobody.
    let mut found = "pg_get_expr(c.relpartbound, 0)".to_owned();
    let mut wanted = bounds.to_string();
    // Whether an integer stands in quotes there depends on its type and sign.
    if bounds.of_integers() {
        found = format!("replace({found}, {}, '')", Literal("'"));
        wanted = wanted.replace('\'', "");
    }
    format!(
        "EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.inhparent = {root} AND {not}i.inhdetachpending{same} AND n.nspname = {} AND c.relname = {} AND {found} = {})",
        text(&partition.schema),
        text(&partition.name),
        Literal(&wanted),
        not = if pending { "" } else { "NOT " },
        same = oid.map_or_else(String::new, |oid| format!(" AND c.oid = {oid}")),
    )
}

fn marked(oid: Oid, marker: &Marker, stamp: Stamp) -> String {
    let line = marker.line();
    let open = line.trim_end_matches('}');
    let stamped = format!("{open},\"detached_at\":");
    let fits = match stamp {
        Stamp::Any => format!("l = {} OR starts_with(l, {})", Literal(&line), Literal(&stamped)),
        Stamp::Absent => format!("l = {}", Literal(&line)),
        Stamp::Present => format!("starts_with(l, {})", Literal(&stamped)),
        Stamp::At(at) => format!(
            "CASE WHEN starts_with(l, {stamped}) THEN (substr(l, {from})::jsonb ->> 'detached_at')::timestamptz = {at} ELSE false END",
            stamped = Literal(&stamped),
            from = MARKER_PREFIX.len() + 1,
            at = Literal(&at.to_string())
        ),
    };
    format!("EXISTS (SELECT FROM unnest(string_to_array(obj_description({oid}, 'pg_class'), E'\\n')) l WHERE {fits})")
}
