//! Which bounded partition is the newest that has rows?

use super::super::error::InspectError;
use super::super::question::Answer;
use super::super::reader::Reader;
use super::super::snapshot::{Catalog, Leaf, LeafKind, Oid, Root};
use super::guard::{Guard, Guards};
use super::{copy, from_item, is_oid, oid_of, query_as, readers, renamed, roots};
use crate::grid::{Bound, KeyValue, LeafBounds};

const STEP: &str = "looking for the newest partition with rows";

/// Statements begin with this many leaves, because the newest with rows is mostly among the first, and double up to the
/// second number: each leaf costs a handful of locks while its statement runs.
const BATCH: (usize, usize) = (8, 64);

/// Each leaf that is locked costs a lock timeout: after so many the whole table is taken for locked (`LOCK TABLE` on the
/// parent locks them all).
const MOST_LOCKED: usize = 3;

pub(super) fn answer(reader: &mut Reader<'_>, guards: &Guards<'_>, root: Oid) -> Result<Answer, InspectError> {
    let Some(root) = roots(guards.catalog).find(|known| known.oid == root) else {
        return Ok(Answer::Unknown("it is not among the tables that were read".to_owned()));
    };
    let guard = match guards.of(root) {
        Ok(guard) => guard,
        Err(because) => return without_query(reader, guards.catalog, root, &because),
    };
    let leaves: Vec<(Oid, &Leaf)> = downwards(root).into_iter().map(|bounded| (bounded.oid, bounded.leaf)).collect();
    let Uppermost { found, unknown } = uppermost(reader, (guards.catalog, &guard), &leaves)?;
    Ok(match (found, unknown) {
        (Some(found), _) => Answer::Leaf(Some(found)),
        (None, Some(because)) => Answer::Unknown(because),
        (None, None) => Answer::Leaf(None),
    })
}

/// The same where a query would run code of others.
fn without_query(
    reader: &mut Reader<'_>,
    catalog: &Catalog,
    root: &Root,
    because: &str,
) -> Result<Answer, InspectError> {
    let (mut unknown, mut failed) = (None, 0);
    for bounded in downwards(root) {
        match copy::keys(reader, catalog, (bounded.oid, bounded.leaf), &root.key.name)? {
            Ok(keys) if keys.any => return Ok(Answer::Leaf(Some(bounded.oid))),
            Ok(_) => {}
            Err(why) => {
                unknown.get_or_insert_with(|| format!("{because}, and without a query: {why}"));
                failed += 1;
                if failed >= MOST_LOCKED {
                    break;
                }
            }
        }
    }
    Ok(unknown.map_or(Answer::Leaf(None), Answer::Unknown))
}

/// A partition with a finite upper bound.
#[derive(Clone, Copy)]
pub(super) struct Bounded<'c> {
    pub(super) oid: Oid,
    pub(super) leaf: &'c Leaf,
    pub(super) from: Bound,
    pub(super) to: KeyValue,
}

/// The attached ones from the uppermost down. A pending leaf has left already: it must not stand in for another.
pub(super) fn downwards(root: &Root) -> Vec<Bounded<'_>> {
    let attached = root.leaves.iter().filter(|(_, leaf)| !leaf.pending);
    let mut leaves: Vec<Bounded<'_>> = attached
        .filter_map(|(oid, leaf)| match leaf.bounds {
            LeafBounds::Range { from, to: Bound::Value(to) } => Some(Bounded { oid: *oid, leaf, from, to }),
            LeafBounds::Range { .. } | LeafBounds::Default | LeafBounds::Other(_) => None,
        })
        .collect();
    leaves.sort_unstable_by(|a, b| b.to.cmp(&a.to).then(a.oid.cmp(&b.oid)));
    leaves
}

/// What a search found.
pub(super) struct Uppermost {
    /// The first leaf that has rows.
    pub(super) found: Option<Oid>,
    /// Why one before it, or any, could not be asked.
    pub(super) unknown: Option<String>,
}

/// The first of these leaves that has rows.
pub(super) fn uppermost(
    reader: &mut Reader<'_>,
    (catalog, guard): (&Catalog, &Guard),
    leaves: &[(Oid, &Leaf)],
) -> Result<Uppermost, InspectError> {
    let mut search = Search { catalog, guard, unknown: None, locked: 0 };
    let mut size = BATCH.0;
    let mut rest = leaves;
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(batch_len(rest, size));
        if let Some(found) = search.batch(reader, batch)? {
            return Ok(Uppermost { found: Some(found), unknown: search.unknown });
        }
        if search.locked >= MOST_LOCKED {
            break;
        }
        rest = after;
        size = (size * 2).min(BATCH.1);
    }
    Ok(Uppermost { found: None, unknown: search.unknown })
}

/// As many leaves as one statement may ask together: of one owner, at most so many, and a foreign one alone, because it
/// may be slow or out of reach.
fn batch_len(rest: &[(Oid, &Leaf)], size: usize) -> usize {
    let Some((_, first)) = rest.first() else { return 0 };
    if first.kind == LeafKind::Foreign {
        return 1;
    }
    rest.iter()
        .take(size)
        .take_while(|(_, leaf)| leaf.owner == first.owner && leaf.kind != LeafKind::Foreign)
        .count()
        .max(1)
}

struct Search<'c> {
    catalog: &'c Catalog,
    guard: &'c Guard,
    /// The first leaf that could not be asked, and why.
    unknown: Option<String>,
    /// How many leaves somebody has locked.
    locked: usize,
}

impl Search<'_> {
    /// The first of these leaves that has rows; one by one when they cannot be asked together.
    fn batch(&mut self, reader: &mut Reader<'_>, batch: &[(Oid, &Leaf)]) -> Result<Option<Oid>, InspectError> {
        let Some((_, first)) = batch.first() else { return Ok(None) };
        let roles = readers(self.catalog, &first.owner);
        // CASE stops at the first leaf that has rows.
        let mut sql = String::from("SELECT CASE");
        for (at, (_, leaf)) in batch.iter().enumerate() {
            sql.push_str(&format!(" WHEN EXISTS (SELECT 1 FROM {}) THEN {at}", from_item(leaf)));
        }
        sql.push_str(" END");
        for (_, leaf) in batch {
            sql.push_str(", ");
            sql.push_str(&oid_of(&leaf.name));
        }
        let tables: Vec<&Leaf> = batch.iter().map(|(_, leaf)| *leaf).collect();
        let because = match query_as(reader, STEP, &roles, (self.guard, &tables), &sql)? {
            Ok(rows) => match rows.first() {
                Some(row) if batch.iter().enumerate().all(|(at, (oid, _))| is_oid(row.get(at + 1), *oid)) => {
                    let found: Option<usize> = row.get(0).and_then(|at| at.parse().ok());
                    return Ok(found.and_then(|at| batch.get(at)).map(|(oid, _)| *oid));
                }
                Some(_) | None => renamed(&first.name),
            },
            Err(error) => {
                self.locked += usize::from(batch.len() == 1 && error.is_lock());
                format!("{}: {}", first.name, error.because())
            }
        };
        if batch.len() > 1 {
            for leaf in batch {
                let found = self.batch(reader, std::slice::from_ref(leaf))?;
                if found.is_some() || self.locked >= MOST_LOCKED {
                    return Ok(found);
                }
            }
        } else if self.unknown.is_none() {
            self.unknown = Some(because);
        }
        Ok(None)
    }
}
