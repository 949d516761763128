//! Which are the uppermost partitions of ids that have rows, and how far do they reach?

use super::super::error::InspectError;
use super::super::question::{Answer, LeafKey};
use super::super::reader::Reader;
use super::super::snapshot::{Catalog, Leaf, Oid, Root};
use super::guard::{Guard, Guards};
use super::newest::{Bounded, Uppermost, downwards, uppermost};
use super::{copy, from_item, is_oid, oid_of, query_as, readers, roots};
use crate::grid::{Bound, KeyValue};
use crate::sql::Ident;

const STEP: &str = "looking for the highest key";

/// From the uppermost partition with rows down, to the first whose lower neighbour has rows as well. A partition that
/// cannot be asked leaves everything open: rows in it could lie above all others.
pub(super) fn answer(reader: &mut Reader<'_>, guards: &Guards<'_>, root: Oid) -> Result<Answer, InspectError> {
    let Some(root) = roots(guards.catalog).find(|known| known.oid == root) else {
        return Ok(Answer::Unknown("it is not among the tables that were read".to_owned()));
    };
    let guard = match guards.of(root) {
        Ok(guard) => guard,
        Err(because) => return without_query(reader, guards.catalog, root, &because),
    };
    let asked = (guards.catalog, &guard);
    let all = downwards(root);
    let leaves: Vec<(Oid, &Leaf)> = all.iter().map(|bounded| (bounded.oid, bounded.leaf)).collect();
    let mut found = Vec::new();
    let mut next = 0;
    while next < all.len() {
        let rest = &leaves[next..];
        let at = match uppermost(reader, asked, rest)? {
            Uppermost { unknown: Some(because), found: _ } => return Ok(Answer::Unknown(because)),
            Uppermost { found: None, unknown: None } => break,
            Uppermost { found: Some(oid), unknown: None } => all.iter().position(|bounded| bounded.oid == oid),
        };
        let Some(at) = at else { break };
        let touches = at == next && at > 0 && all[at - 1].from == Bound::Value(all[at].to);
        found.push(LeafKey { leaf: all[at].oid, key: highest(reader, asked, &root.key.name, &all[at])? });
        if touches && found.len() > 1 {
            break;
        }
        next = at + 1;
    }
    Ok(Answer::Keys(found))
}

/// The same where a query would run code of others.
fn without_query(
    reader: &mut Reader<'_>,
    catalog: &Catalog,
    root: &Root,
    because: &str,
) -> Result<Answer, InspectError> {
    let all = downwards(root);
    let (mut found, mut below) = (Vec::new(), None);
    for bounded in &all {
        let keys = match copy::keys(reader, catalog, (bounded.oid, bounded.leaf), &root.key.name)? {
            Ok(keys) => keys,
            Err(why) => return Ok(Answer::Unknown(format!("{because}, and without a query: {why}"))),
        };
        // The one above it has rows, and ends where this one begins.
        let touches = below == Some(Bound::Value(bounded.to));
        below = keys.any.then_some(bounded.from);
        if keys.any {
            found.push(LeafKey { leaf: bounded.oid, key: keys.highest.map(KeyValue::Int) });
            if touches {
                break;
            }
        }
    }
    Ok(Answer::Keys(found))
}

/// The highest key of one leaf: 3 locks on a leaf with an index that begins with the key, where the parent of 200 leaves
/// takes 402 (measured).
fn highest(
    reader: &mut Reader<'_>,
    (catalog, guard): (&Catalog, &Guard),
    key: &Ident,
    bounded: &Bounded<'_>,
) -> Result<Option<KeyValue>, InspectError> {
    let Bounded { oid, leaf, from: _, to: _ } = *bounded;
    let sql = format!("SELECT pg_catalog.max({key}), {} FROM {}", oid_of(&leaf.name), from_item(leaf));
    let Ok(rows) = query_as(reader, STEP, &readers(catalog, &leaf.owner), (guard, &[leaf]), &sql)? else {
        return Ok(None);
    };
    let row = rows.first().filter(|row| is_oid(row.get(1), oid));
    Ok(row.and_then(|row| row.get(0)).and_then(|key| key.parse().ok()).map(KeyValue::Int))
}
