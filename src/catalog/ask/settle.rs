//! How an index's text reads once it is printed and read again.

use super::super::error::InspectError;
use super::super::index::IndexSpelling;
use super::super::reader::Reader;

const STEP: &str = "reading how an index is spelled again";

/// A printed text prints as itself after one round, mostly; casts of lists take two.
const ROUNDS: usize = 3;

/// How the server spells an index, and what stands after `ON table` in its definition.
#[derive(Clone)]
pub(super) struct Spelled {
    pub(super) spelling: IndexSpelling,
    pub(super) unique: bool,
    /// `None` where it must not be tried again.
    pub(super) definition: Option<String>,
}

/// Reads an index of this OID. It opens the table: whoever locks that is waited for.
pub(super) fn read(reader: &mut Reader<'_>, index: &str) -> Result<Spelled, InspectError> {
    // What a function, an operator or a type of a user's is in would run when it is planned again, as whoever asks.
    let sql = format!(
        "SELECT pg_catalog.pg_get_indexdef(x.indexrelid, u.ord::int, false), \
                pg_catalog.pg_get_expr(x.indpred, x.indrelid), x.indisunique, \
                CASE WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d \
                                      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
                                        AND d.objid = x.indexrelid \
                                        AND d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, \
                                                             'pg_catalog.pg_operator'::pg_catalog.regclass, \
                                                             'pg_catalog.pg_type'::pg_catalog.regclass)) \
                     THEN pg_catalog.pg_get_indexdef(x.indexrelid) END, \
                'CREATE ' || CASE WHEN x.indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX ' \
                || pg_catalog.quote_ident(c.relname) || ' ON ' || CASE c.relkind WHEN 'I' THEN 'ONLY ' ELSE '' END, \
                pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.relname) || ' ' \
         FROM pg_catalog.pg_index AS x \
         JOIN pg_catalog.pg_class AS c ON c.oid = x.indexrelid \
         JOIN pg_catalog.pg_class AS t ON t.oid = x.indrelid \
         JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace \
         LEFT JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS u(attnum, ord) ON u.attnum = 0 \
         WHERE x.indexrelid = {index} ORDER BY u.ord"
    );
    let rows = reader.simple(STEP, &sql)?;
    let first = rows.first().ok_or_else(|| InspectError::unreadable(STEP, "the index is gone"))?;
    // Before 15 a temporary table is printed with the session's own schema, since then with an alias of it.
    let after = |whole: &str, head: &str, table: &str| {
        let rest = whole.strip_prefix(head)?;
        let rest = rest.strip_prefix(table).or_else(|| rest.strip_prefix("pg_temp.pgstrata_probe "))?;
        Some(rest.to_owned())
    };
    Ok(Spelled {
        spelling: IndexSpelling {
            expressions: rows.iter().filter_map(|row| row.get(0)).map(str::to_owned).collect(),
            predicate: first.get(1).map(str::to_owned),
        },
        unique: first.get(2) == Some("t"),
        definition: first
            .get(3)
            .zip(first.get(4).zip(first.get(5)))
            .and_then(|(whole, (head, table))| after(whole, head, table)),
    })
}

/// The spelling that no longer changes when it is printed and read again: `a IN ('x')` is printed with casts that are
/// printed otherwise once they were read (and so is an index that came back from a dump). Two texts mean the same index if
/// they settle on one. The temporary table of the probe must be there.
pub(super) fn settle(reader: &mut Reader<'_>, first: Spelled) -> Result<IndexSpelling, InspectError> {
    let mut now = first;
    for _ in 0..ROUNDS {
        let is_plain = now.spelling.expressions.is_empty() && now.spelling.predicate.is_none();
        let Some(definition) = now.definition.as_ref().filter(|_| !is_plain) else { break };
        let unique = if now.unique { "UNIQUE " } else { "" };
        let again = reader.aside(STEP, |reader| {
            let sql = format!("CREATE {unique}INDEX pgstrata_probe_again ON pg_temp.pgstrata_probe {definition}");
            reader.simple(STEP, &sql)?;
            read(reader, "'pg_temp.pgstrata_probe_again'::pg_catalog.regclass")
        })?;
        // What cannot be made here stays as it was read.
        let Ok(again) = again else { break };
        if again.spelling == now.spelling {
            break;
        }
        now = again;
    }
    Ok(now.spelling)
}
