//! How much of a b-tree would a rebuild give back? Measured by the extension pgstattuple, where it is there and allowed.

use postgres::SimpleQueryRow;

use super::super::error::InspectError;
use super::super::question::{Answer, Bloat};
use super::super::reader::Reader;
use super::super::snapshot::Oid;

const STEP: &str = "measuring indexes";

/// Where the function is, and whether the session may call it.
const FIND: &str = "SELECT pg_catalog.quote_ident(n.nspname), pg_catalog.has_function_privilege(p.oid, 'EXECUTE'), \
       r.rolsuper OR r.rolname = session_user \
     FROM pg_catalog.pg_extension AS e \
     JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass \
      AND d.refobjid = e.oid AND d.deptype = 'e' AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass \
     JOIN pg_catalog.pg_proc AS p ON p.oid = d.objid \
     JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace \
     JOIN pg_catalog.pg_roles AS r ON r.oid = p.proowner \
     WHERE e.extname = 'pgstattuple' AND p.proname = 'pgstatindex' \
       AND p.proargtypes[0] = 'pg_catalog.regclass'::pg_catalog.regtype";

pub(super) fn answers(reader: &mut Reader<'_>, indexes: &[Oid]) -> Result<Vec<(Oid, Answer)>, InspectError> {
    if indexes.is_empty() {
        return Ok(Vec::new());
    }
    let unmeasured = |because: String| -> Vec<(Oid, Answer)> {
        indexes.iter().map(|index| (*index, Answer::Unknown(because.clone()))).collect()
    };
    let found = match reader.simple_aside(STEP, FIND)? {
        Ok(rows) => rows,
        Err(error) => return Ok(unmeasured(error.because())),
    };
    let schema = match found.first() {
        None => return Ok(unmeasured("the extension pgstattuple is not in this database".to_owned())),
        Some(row) if row.get(1) != Some("t") => {
            let because = "the role that connected may not call pgstatindex (GRANT pg_stat_scan_tables)";
            return Ok(unmeasured(because.to_owned()));
        }
        // Its owner may have put something else in its place.
        Some(row) if row.get(2) != Some("t") => {
            return Ok(unmeasured(
                "pgstatindex belongs neither to a superuser nor to the role that connected".to_owned(),
            ));
        }
        Some(row) => row.get(0).unwrap_or_default().to_owned(),
    };
    let mut answers = Vec::with_capacity(indexes.len());
    for index in indexes {
        // The whole index is read, under ACCESS SHARE; the session's statement timeout bounds it.
        let sql = format!(
            "SELECT s.index_size, s.internal_pages, s.leaf_pages, s.avg_leaf_density, \
               coalesce((SELECT o.option_value::pg_catalog.int4 FROM pg_catalog.pg_options_to_table(c.reloptions) AS o \
                         WHERE o.option_name = 'fillfactor'), 90), pg_catalog.current_setting('block_size') \
             FROM pg_catalog.pg_class AS c, {schema}.pgstatindex(c.oid::pg_catalog.regclass) AS s WHERE c.oid = {index}"
        );
        let answer = match reader.simple_aside(STEP, &sql)? {
            Ok(rows) => rows
                .first()
                .and_then(bloat)
                .map_or_else(|| Answer::Unknown("it is not there any more".to_owned()), Answer::Bloat),
            Err(error) => Answer::Unknown(error.because()),
        };
        answers.push((*index, answer));
    }
    Ok(answers)
}

/// What is left of the leaf pages when they are packed to the fill factor; pages above them, and one for the meta page,
/// stay.
fn bloat(row: &SimpleQueryRow) -> Option<Bloat> {
    let number = |column: usize| row.get(column)?.parse::<u64>().ok();
    let (bytes, internal, leaves, block) = (number(0)?, number(1)?, number(2)?, number(5)?);
    let density: f64 = row.get(3)?.parse().ok()?;
    let fillfactor: f64 = row.get(4)?.parse().ok()?;
    // An index without leaf pages has no density.
    let packed = if density.is_finite() { packed(leaves, density / fillfactor) } else { 0 };
    let wanted = (packed + internal + 1).saturating_mul(block);
    Some(Bloat { bytes, wasted: bytes.saturating_sub(wanted) })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a number of pages, not negative and below 2^32"
)]
fn packed(leaves: u64, share: f64) -> u64 {
    (leaves as f64 * share).ceil() as u64
}
