//! How many rows of a default partition lie in a window?

use super::super::error::InspectError;
use super::super::question::{Answer, RowCount};
use super::super::reader::Reader;
use super::super::snapshot::Oid;
use super::guard::Guards;
use super::{copy, from_item, is_oid, oid_of, query_as, readers, renamed, roots};
use crate::grid::{Bound, KeyValue};

const STEP: &str = "counting rows of a default partition";

/// Counting stops here: whether it is ten thousand rows or a billion, they are in the way.
const ENOUGH: u64 = 10_000;

pub(super) fn answer(
    reader: &mut Reader<'_>,
    guards: &Guards<'_>,
    oid: Oid,
    from: KeyValue,
    to: Bound,
) -> Result<Answer, InspectError> {
    let catalog = guards.catalog;
    let Some((root, leaf)) = roots(catalog).find_map(|root| root.leaves.get(&oid).map(|leaf| (root, leaf))) else {
        return Ok(Answer::Unknown("it is not among the partitions that were read".to_owned()));
    };
    let guard = match guards.of(root) {
        Ok(guard) => guard,
        Err(because) => {
            return Ok(match copy::keys(reader, catalog, (oid, leaf), &root.key.name)? {
                Ok(keys) if !keys.any => Answer::Rows(RowCount::Exactly(0)),
                Ok(_) => Answer::Unknown(because),
                Err(why) => Answer::Unknown(format!("{because}, and without a query: {why}")),
            });
        }
    };
    let (key, kind) = (&root.key.name, root.key.kind.sql_type());
    let sql = format!(
        "SELECT pg_catalog.count(*), {} FROM (SELECT 1 FROM {} WHERE {key} >= '{from}'::{kind}{} LIMIT {}) AS x",
        oid_of(&leaf.name),
        from_item(leaf),
        to.value().map_or_else(String::new, |to| format!(" AND {key} < '{to}'::{kind}")),
        ENOUGH + 1
    );
    Ok(match query_as(reader, STEP, &readers(catalog, &leaf.owner), (&guard, &[leaf]), &sql)? {
        Ok(rows) => match rows.first() {
            Some(row) if is_oid(row.get(1), oid) => match row.get(0).and_then(|count| count.parse().ok()) {
                Some(count) if count <= ENOUGH => Answer::Rows(RowCount::Exactly(count)),
                Some(_) => Answer::Rows(RowCount::AtLeast(ENOUGH)),
                None => Answer::Unknown("the server's count cannot be read".to_owned()),
            },
            Some(_) | None => Answer::Unknown(renamed(&leaf.name)),
        },
        Err(error) => Answer::Unknown(error.because()),
    })
}
