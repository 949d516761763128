//! The DO blocks that write, stamp and remove a marker: their text is fixed in the plan, what the comment holds is not.

use super::literal::dollar_quoted;
use super::{Literal, TableName};
use crate::catalog::{HOLD_REGEX, MARKER_PREFIX, Oid};
use crate::plan::Retiring;

/// Raised where the comment has a hold line by then.
pub(crate) const HELD: &str = "PS001";

/// What becomes of the marker line; the rest of the comment is kept.
enum Rewrite {
    Write,
    Stamp,
    Remove,
}

/// Writes the marker.
pub(super) fn write(retiring: &Retiring) -> String {
    block(retiring, &Rewrite::Write)
}

/// Writes the marker with the server's clock in it.
pub(super) fn stamp(retiring: &Retiring) -> String {
    block(retiring, &Rewrite::Stamp)
}

/// Takes the marker out.
pub(super) fn remove(retiring: &Retiring) -> String {
    block(retiring, &Rewrite::Remove)
}

/// A block that locks, looks, and writes back: nobody can comment in between, because COMMENT takes the same lock.
fn block(retiring: &Retiring, rewrite: &Rewrite) -> String {
    let Retiring { partition, owner: _, marker } = retiring;
    let (name, oid): (&TableName, Oid) = (&partition.name, partition.oid);
    let kept = format!(
        "array_to_string(ARRAY(SELECT l FROM unnest(string_to_array(present, E'\\n')) WITH ORDINALITY AS lines(l, n) WHERE NOT starts_with(l, {}) ORDER BY n), E'\\n')",
        Literal(MARKER_PREFIX)
    );
    let line = marker.line();
    let added = match rewrite {
        Rewrite::Write => Literal(&line).to_string(),
        Rewrite::Stamp => format!(
            "{} || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') || {}",
            Literal(&format!("{},\"detached_at\":\"", line.trim_end_matches('}'))),
            Literal("\"}")
        ),
        Rewrite::Remove => "NULL".to_owned(),
    };
    let hold = match rewrite {
        Rewrite::Write | Rewrite::Stamp => format!(
            "  IF present ~ {} THEN\n    RAISE EXCEPTION USING MESSAGE = {}, ERRCODE = '{HELD}';\n  END IF;\n",
            Literal(HOLD_REGEX),
            Literal(&format!("{name} is held by its comment"))
        ),
        Rewrite::Remove => String::new(),
    };
    let body = format!(
        "
DECLARE
  present text;
BEGIN
  LOCK TABLE ONLY {name} IN SHARE UPDATE EXCLUSIVE MODE;
  IF {shown}::regclass::oid <> {oid} THEN
    RAISE EXCEPTION USING MESSAGE = {another}, ERRCODE = 'PS002';
  END IF;
  present := obj_description({oid}, 'pg_class');
{hold}  EXECUTE format('COMMENT ON TABLE %s IS %L', {shown}, nullif(concat_ws(E'\\n', nullif({kept}, ''), {added}), ''));
END
",
        shown = Literal(&name.in_text()),
        another = Literal(&format!("{name} is another table than the plan speaks of")),
    );
    format!("DO {}", dollar_quoted(&body))
}
