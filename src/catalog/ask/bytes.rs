//! How large is a relation with its indexes and TOAST, exactly?

use std::collections::BTreeMap;

use super::super::error::InspectError;
use super::super::question::Answer;
use super::super::reader::Reader;
use super::super::snapshot::{Catalog, Oid};
use super::unknown;

const STEP: &str = "reading sizes";

/// Each relation costs the server a look at every file of it.
const BATCH: usize = 64;

pub(super) fn answers(
    reader: &mut Reader<'_>,
    catalog: &Catalog,
    relations: &[Oid],
) -> Result<Vec<(Oid, Answer)>, InspectError> {
    let (distributed, here): (Vec<Oid>, Vec<Oid>) =
        relations.iter().partition(|relation| catalog.is_distributed(**relation));
    let mut all = by(reader, &here, "pg_catalog.pg_total_relation_size(c.oid)")?;
    if catalog.citus.as_ref().is_some_and(|citus| citus.has_sizes) {
        all.extend(by(reader, &distributed, "pg_catalog.citus_total_relation_size(c.oid::pg_catalog.regclass)")?);
    } else {
        let because =
            || Answer::Unknown("its rows are on workers, and citus_total_relation_size cannot be called".to_owned());
        all.extend(distributed.into_iter().map(|oid| (oid, because())));
    }
    Ok(all)
}

fn by(reader: &mut Reader<'_>, relations: &[Oid], size: &str) -> Result<Vec<(Oid, Answer)>, InspectError> {
    let mut all = Vec::with_capacity(relations.len());
    for batch in relations.chunks(BATCH) {
        match some(reader, batch, size)? {
            Ok(answers) => all.extend(answers),
            // One of them is locked: only that one stays unknown.
            Err(_) if batch.len() > 1 => {
                for relation in batch {
                    let one = std::slice::from_ref(relation);
                    all.extend(some(reader, one, size)?.unwrap_or_else(|error| unknown(one, error)));
                }
            }
            Err(error) => all.extend(unknown(batch, error)),
        }
    }
    Ok(all)
}

type Sizes = Result<Vec<(Oid, Answer)>, InspectError>;

fn some(reader: &mut Reader<'_>, batch: &[Oid], size: &str) -> Result<Sizes, InspectError> {
    let oids: Vec<String> = batch.iter().map(Oid::to_string).collect();
    // The size functions say 0 of what has no storage of its own: that is not the size of what is in it.
    let sql = format!(
        "SELECT c.oid, CASE WHEN c.relkind IN ('r', 'm', 't', 'i', 'S') THEN {size} END \
         FROM pg_catalog.pg_class AS c WHERE c.oid = ANY ('{{{}}}'::pg_catalog.oid[])",
        oids.join(",")
    );
    let rows = match reader.simple_aside(STEP, &sql)? {
        Ok(rows) => rows,
        Err(error) => return Ok(Err(error)),
    };
    let mut sizes: BTreeMap<Oid, Answer> = BTreeMap::new();
    for row in &rows {
        if let Some(oid) = row.get(0).and_then(|oid| oid.parse().ok()) {
            let size = row.get(1).and_then(|size| size.parse().ok());
            let answer = size.map_or_else(|| Answer::Unknown("it has no storage of its own".to_owned()), Answer::Bytes);
            sizes.insert(Oid(oid), answer);
        }
    }
    Ok(Ok(batch
        .iter()
        .map(|oid| (*oid, sizes.remove(oid).unwrap_or_else(|| Answer::Unknown("it is gone".to_owned()))))
        .collect()))
}
