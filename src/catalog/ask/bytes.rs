//! How large is a relation with its indexes and TOAST, exactly?

use std::collections::BTreeMap;

use super::super::error::InspectError;
use super::super::question::Answer;
use super::super::reader::Reader;
use super::super::snapshot::Oid;
use super::unknown;

const STEP: &str = "reading sizes";

/// Each relation costs the server a look at every file of it.
const BATCH: usize = 64;

pub(super) fn answers(reader: &mut Reader<'_>, relations: &[Oid]) -> Result<Vec<(Oid, Answer)>, InspectError> {
    let mut all = Vec::with_capacity(relations.len());
    for batch in relations.chunks(BATCH) {
        match some(reader, batch)? {
            Ok(answers) => all.extend(answers),
            // One of them is locked: only that one stays unknown.
            Err(_) if batch.len() > 1 => {
                for relation in batch {
                    let one = std::slice::from_ref(relation);
                    all.extend(some(reader, one)?.unwrap_or_else(|error| unknown(one, error)));
                }
            }
            Err(error) => all.extend(unknown(batch, error)),
        }
    }
    Ok(all)
}

type Sizes = Result<Vec<(Oid, Answer)>, InspectError>;

fn some(reader: &mut Reader<'_>, batch: &[Oid]) -> Result<Sizes, InspectError> {
    let oids: Vec<String> = batch.iter().map(Oid::to_string).collect();
    // The size functions say 0 of what has no storage of its own: that is not the size of what is in it.
    let sql = format!(
        "SELECT c.oid, CASE WHEN c.relkind IN ('r', 'm', 't', 'i', 'S') THEN pg_catalog.pg_total_relation_size(c.oid) END \
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
