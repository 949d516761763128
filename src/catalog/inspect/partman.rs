//! Tables that pg_partman maintains by itself.

use postgres::types::Type;

use super::super::error::InspectError;
use super::super::part_config::{Candidate, Whose, candidates, hold};
use super::super::reader::{Reader, field};
use super::Roots;

const STEP: &str = "reading pg_partman's configuration";

pub(super) fn read(reader: &mut Reader<'_>, roots: &mut Roots) -> Result<(), InspectError> {
    let all = candidates(reader, STEP)?;
    let own = |one: &&Candidate| !one.is_sub() && one.judged() == Ok(Whose::Extension);
    let Some(part_config) = all.iter().find(own) else { return Ok(()) };
    let schema = part_config.name.schema.clone();
    // parent_table holds both names as the catalog has them, joined by a dot and never quoted.
    let parents: Vec<String> =
        roots.iter().map(|(name, _)| format!("{}.{}", name.schema.as_str(), name.name.as_str())).collect();
    let sql = format!(
        "/* pgstrata inspect */ SELECT parent_table::text FROM ONLY {} \
         WHERE automatic_maintenance = 'on' AND parent_table = ANY ($1)",
        part_config.name
    );
    let read = reader.aside(STEP, |reader| {
        hold(reader, STEP, &[part_config])?;
        reader.query(STEP, &sql, &[(&parents, Type::TEXT_ARRAY)])
    })?;
    // A version that has no such column, or one that is being altered: nothing is known of its plans then.
    let Ok(rows) = read else { return Ok(()) };
    for row in &rows {
        let parent: &str = field(STEP, row, 0)?;
        for (name, root) in roots.iter_mut() {
            if parent.strip_prefix(name.schema.as_str()).and_then(|rest| rest.strip_prefix('.'))
                == Some(name.name.as_str())
            {
                root.partman = Some(schema.clone());
            }
        }
    }
    Ok(())
}
