//! What is in a default partition that should not be there for ever?

use super::super::error::InspectError;
use super::super::question::{Answer, DefaultCounts, DefaultKeys};
use super::super::reader::Reader;
use super::super::snapshot::{Catalog, Leaf, LeafKind, Oid, Root};
use super::guard::{Guard, Guards};
use super::{copy, is_oid, oid_of, query_as, readers, renamed, roots};
use crate::grid::KeyValue;

const STEP: &str = "looking at a default partition";

/// Up to this size a scan is a matter of a moment.
const SMALL: u64 = 64 * 1024 * 1024;

/// What to look for.
#[derive(Clone, Copy)]
pub(super) struct Places {
    pub(super) edge: Option<KeyValue>,
    pub(super) low: KeyValue,
    pub(super) high: KeyValue,
}

pub(super) fn answer(
    reader: &mut Reader<'_>,
    guards: &Guards<'_>,
    oid: Oid,
    places: Places,
) -> Result<Answer, InspectError> {
    let catalog = guards.catalog;
    let Some((root, leaf)) = roots(catalog).find_map(|root| root.leaves.get(&oid).map(|leaf| (root, leaf))) else {
        return Ok(Answer::Unknown("it is not among the partitions that were read".to_owned()));
    };
    match leaf.kind {
        LeafKind::Table => {}
        LeafKind::Foreign => return Ok(Answer::Unknown("it is a foreign table".to_owned())),
        LeafKind::Partitioned => return Ok(Answer::Unknown("it is partitioned itself".to_owned())),
    }
    let guard = match guards.of(root) {
        Ok(guard) => guard,
        Err(because) => {
            return Ok(match copy::keys(reader, catalog, (oid, leaf), &root.key.name)? {
                Ok(keys) if !keys.any => Answer::DefaultKeys(Box::new(nothing())),
                Ok(_) => Answer::Unknown(because),
                Err(why) => Answer::Unknown(format!("{because}, and without a query: {why}")),
            });
        }
    };
    let asked = Asked { catalog, guard: &guard, root, leaf, oid };
    let known = match asked.size(reader)? {
        Ok(known) => known,
        Err(because) => return Ok(Answer::Unknown(because)),
    };
    let unindexed = known.bytes > SMALL && !known.indexed;
    let counted = if unindexed { Err(None) } else { asked.count(reader, places, known.bytes > SMALL)?.map_err(Some) };
    Ok(match counted {
        Ok(found) => Answer::DefaultKeys(Box::new(DefaultKeys { rows: found.rows.or(known.estimate), ..found })),
        // Another reason than its size is the reason: it would be the same for the ends.
        Err(Some(because)) if !known.indexed => Answer::Unknown(because),
        Err(_) => {
            let mut found = DefaultKeys {
                rows: known.estimate,
                exact: false,
                counts: None,
                least: None,
                most: None,
                least_is_expired: None,
            };
            if known.indexed {
                match asked.ends(reader, places)? {
                    Ok(ends) => (found.least, found.most, found.least_is_expired) = ends,
                    Err(because) => return Ok(Answer::Unknown(because)),
                }
            }
            Answer::DefaultKeys(Box::new(found))
        }
    })
}

/// Of one without rows.
fn nothing() -> DefaultKeys {
    DefaultKeys {
        rows: Some(0),
        exact: true,
        counts: Some(DefaultCounts { expired: 0, below: 0, above: 0, without_key: 0, first_above: None }),
        least: None,
        most: None,
        least_is_expired: Some(false),
    }
}

/// The least key, the greatest, and whether the least one is past retention.
type Ends = (Option<String>, Option<String>, Option<bool>);

struct Size {
    bytes: u64,
    /// A b-tree of all its rows begins with the key.
    indexed: bool,
    estimate: Option<u64>,
}

struct Asked<'c> {
    catalog: &'c Catalog,
    guard: &'c Guard,
    root: &'c Root,
    leaf: &'c Leaf,
    oid: Oid,
}

impl Asked<'_> {
    fn size(&self, reader: &mut Reader<'_>) -> Result<Result<Size, String>, InspectError> {
        let key = postgres_protocol::escape::escape_literal(self.root.key.name.as_str());
        let oid = self.oid;
        let sql = format!(
            "SELECT pg_catalog.pg_relation_size(c.oid), c.reltuples::pg_catalog.int8, EXISTS (\
               SELECT 1 FROM pg_catalog.pg_index AS x \
               JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid JOIN pg_catalog.pg_am AS m ON m.oid = i.relam \
               JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = x.indkey[0] \
               WHERE x.indrelid = c.oid AND x.indisvalid AND x.indpred IS NULL AND m.amname = 'btree' \
                 AND a.attname = {key}::pg_catalog.name) \
             FROM pg_catalog.pg_class AS c WHERE c.oid = {oid}"
        );
        let rows = match reader.simple_aside(STEP, &sql)? {
            Ok(rows) => rows,
            Err(error) => return Ok(Err(error.because())),
        };
        let Some(row) = rows.first() else { return Ok(Err(renamed(&self.leaf.name))) };
        let Some(bytes) = row.get(0).and_then(|bytes| bytes.parse().ok()) else {
            return Ok(Err("its size cannot be read".to_owned()));
        };
        // Never analyzed is -1.
        let estimate = row.get(1).and_then(|rows| rows.parse::<i64>().ok()).and_then(|rows| u64::try_from(rows).ok());
        Ok(Ok(Size { bytes, indexed: row.get(2) == Some("t"), estimate }))
    }

    /// Counts; of a large one only what an index finds.
    fn count(
        &self,
        reader: &mut Reader<'_>,
        Places { edge, low, high }: Places,
        large: bool,
    ) -> Result<Result<DefaultKeys, String>, InspectError> {
        let (key, kind, from) =
            (&self.root.key.name, self.root.key.kind.sql_type(), format!("ONLY {}", self.leaf.name));
        let at = |value: KeyValue| format!("'{value}'::{kind}");
        let count = |condition: &str| format!("(SELECT pg_catalog.count(*) FROM {from} WHERE {condition})");
        let expired = edge.map_or_else(|| "0".to_owned(), |edge| count(&format!("{key} < {}", at(edge))));
        let kept = edge.map_or_else(String::new, |edge| format!(" AND {key} >= {}", at(edge)));
        let first = |condition: &str, order: &str| {
            format!("(SELECT {key}::pg_catalog.text FROM {from} WHERE {condition} ORDER BY {key} {order} LIMIT 1)")
        };
        let not_null = format!("{key} IS NOT NULL");
        let total = if large { "NULL".to_owned() } else { format!("(SELECT pg_catalog.count(*) FROM {from})") };
        let above = format!("{key} >= {}", at(high));
        let columns = [
            oid_of(&self.leaf.name),
            total,
            expired,
            count(&format!("{key} < {}{kept}", at(low))),
            count(&above),
            count(&format!("{key} IS NULL")),
            first(&not_null, "ASC"),
            first(&not_null, "DESC"),
            first(&above, "ASC"),
        ];
        let seqscan = if large { "SET LOCAL enable_seqscan = off; " } else { "" };
        let sql = format!("{seqscan}SELECT {}", columns.join(", "));
        let row = match self.row(reader, &sql)? {
            Ok(row) => row,
            Err(because) => return Ok(Err(because)),
        };
        let number = |at: usize| row.get(at).and_then(|count| count.parse::<u64>().ok());
        let text = |at: usize| row.get(at).map(str::to_owned);
        let (Some(expired), Some(below), Some(above), Some(without_key)) = (number(2), number(3), number(4), number(5))
        else {
            return Ok(Err("the server's count cannot be read".to_owned()));
        };
        let first_above = row.get(8).and_then(|key| KeyValue::parse(self.root.key.kind, key).ok());
        let rows = number(1);
        Ok(Ok(DefaultKeys {
            rows,
            exact: rows.is_some(),
            counts: Some(DefaultCounts { expired, below, above, without_key, first_above }),
            least: text(6),
            most: text(7),
            least_is_expired: Some(expired > 0),
        }))
    }

    /// The ends of an index: two looks, however large it is.
    fn ends(&self, reader: &mut Reader<'_>, places: Places) -> Result<Result<Ends, String>, InspectError> {
        let (key, kind) = (&self.root.key.name, self.root.key.kind.sql_type());
        let end = |order: &str| {
            format!(
                "(SELECT {key} FROM ONLY {} WHERE {key} IS NOT NULL ORDER BY {key} {order} LIMIT 1)",
                self.leaf.name
            )
        };
        let expired = places.edge.map_or_else(|| "NULL".to_owned(), |edge| format!("l.key < '{edge}'::{kind}"));
        let sql = format!(
            "SET LOCAL enable_seqscan = off; SELECT {}, l.key, {}, {expired} FROM (SELECT {} AS key) AS l",
            oid_of(&self.leaf.name),
            end("DESC"),
            end("ASC"),
        );
        Ok(self.row(reader, &sql)?.map(|row| {
            let text = |at: usize| row.get(at).map(str::to_owned);
            (text(1), text(2), row.get(3).map(|expired| expired == "t"))
        }))
    }

    fn row(
        &self,
        reader: &mut Reader<'_>,
        sql: &str,
    ) -> Result<Result<postgres::SimpleQueryRow, String>, InspectError> {
        Ok(match query_as(reader, STEP, &readers(self.catalog, &self.leaf.owner), (self.guard, &[self.leaf]), sql)? {
            Ok(mut rows) if !rows.is_empty() => {
                let row = rows.swap_remove(0);
                if is_oid(row.get(0), self.oid) { Ok(row) } else { Err(renamed(&self.leaf.name)) }
            }
            Ok(_) => Err(renamed(&self.leaf.name)),
            Err(error) => Err(error.because()),
        })
    }
}
