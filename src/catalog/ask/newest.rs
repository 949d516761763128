//! Which bounded partition is the newest that has rows?

use super::super::error::InspectError;
use super::super::question::Answer;
use super::super::reader::Reader;
use super::super::snapshot::{Catalog, Leaf, LeafKind, Oid};
use super::{from_item, is_oid, oid_of, query_as, readers, renamed, roots};
use crate::grid::{Bound, LeafBounds};

const STEP: &str = "looking for the newest partition with rows";

/// Statements begin with this many leaves, because the newest with rows is mostly among the first, and double up to the
/// second number: each leaf costs a handful of locks while its statement runs.
const BATCH: (usize, usize) = (8, 64);

pub(super) fn answer(reader: &mut Reader<'_>, catalog: &Catalog, root: Oid) -> Result<Answer, InspectError> {
    let Some(root) = roots(catalog).find(|known| known.oid == root) else {
        return Ok(Answer::Unknown("it is not among the tables that were read".to_owned()));
    };
    // A pending leaf has left already: it must not stand in for one that is still attached.
    let mut leaves: Vec<(Oid, &Leaf, _)> = root
        .leaves
        .iter()
        .filter(|(_, leaf)| !leaf.pending)
        .filter_map(|(oid, leaf)| match leaf.bounds {
            LeafBounds::Range { to: Bound::Value(to), .. } => Some((*oid, leaf, to)),
            LeafBounds::Range { .. } | LeafBounds::Default | LeafBounds::Other(_) => None,
        })
        .collect();
    leaves.sort_unstable_by(|(a_oid, _, a), (b_oid, _, b)| b.cmp(a).then(a_oid.cmp(b_oid)));

    let mut search = Search { catalog, unknown: None };
    let mut size = BATCH.0;
    let mut rest: Vec<(Oid, &Leaf)> = leaves.into_iter().map(|(oid, leaf, _)| (oid, leaf)).collect();
    while !rest.is_empty() {
        let batch = &rest[..batch_len(&rest, size)];
        let taken = batch.len();
        if let Some(found) = search.batch(reader, batch)? {
            return Ok(Answer::Leaf(Some(found)));
        }
        rest.drain(..taken);
        size = (size * 2).min(BATCH.1);
    }
    Ok(search.unknown.map_or(Answer::Leaf(None), Answer::Unknown))
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
    /// The first leaf that could not be asked, and why.
    unknown: Option<String>,
}

impl Search<'_> {
    /// The first of these leaves that has rows; one by one when they cannot be asked together.
    fn batch(&mut self, reader: &mut Reader<'_>, batch: &[(Oid, &Leaf)]) -> Result<Option<Oid>, InspectError> {
        let Some((_, first)) = batch.first() else { return Ok(None) };
        let roles = readers(self.catalog, &first.owner);
        // CASE stops at the first leaf that has rows.
        let mut sql = String::from("SELECT CASE");
        for (at, (_, leaf)) in batch.iter().enumerate() {
            sql.push_str(&format!(" WHEN EXISTS (SELECT FROM {}) THEN {at}", from_item(leaf)));
        }
        sql.push_str(" END");
        for (_, leaf) in batch {
            sql.push_str(", ");
            sql.push_str(&oid_of(&leaf.name));
        }
        let because = match query_as(reader, STEP, &roles, &sql)? {
            Ok(rows) => match rows.first() {
                Some(row) if batch.iter().enumerate().all(|(at, (oid, _))| is_oid(row.get(at + 1), *oid)) => {
                    let found: Option<usize> = row.get(0).and_then(|at| at.parse().ok());
                    return Ok(found.and_then(|at| batch.get(at)).map(|(oid, _)| *oid));
                }
                Some(_) | None => renamed(&first.name),
            },
            Err(error) => format!("{}: {}", first.name, error.because()),
        };
        if batch.len() > 1 {
            for leaf in batch {
                let found = self.batch(reader, std::slice::from_ref(leaf))?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        } else if self.unknown.is_none() {
            self.unknown = Some(because);
        }
        Ok(None)
    }
}
