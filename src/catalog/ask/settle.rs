//! What is left to say of an index's text: how it reads once it is printed and read again, and what a name that is not
//! there may have meant.

use std::collections::BTreeSet;

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

/// What of these texts' unqualified names is there in some schema: an index is built with an empty search path.
pub(super) fn qualified(reader: &mut Reader<'_>, texts: &[String]) -> Result<Option<String>, InspectError> {
    let names: BTreeSet<String> = texts.iter().flat_map(|text| unqualified(text)).collect();
    if names.is_empty() {
        return Ok(None);
    }
    let names: Vec<String> = names.iter().map(|name| postgres_protocol::escape::escape_literal(name)).collect();
    let sql = format!(
        "SELECT DISTINCT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(f.name) AS name \
         FROM (SELECT opcnamespace AS schema, opcname AS name FROM pg_catalog.pg_opclass \
               UNION ALL SELECT pronamespace, proname FROM pg_catalog.pg_proc \
               UNION ALL SELECT typnamespace, typname FROM pg_catalog.pg_type WHERE typrelid = 0 AND typelem = 0 \
               UNION ALL SELECT collnamespace, collname FROM pg_catalog.pg_collation \
               UNION ALL SELECT cfgnamespace, cfgname FROM pg_catalog.pg_ts_config) AS f \
         JOIN pg_catalog.pg_namespace AS n ON n.oid = f.schema \
         WHERE f.name = ANY (ARRAY[{}]::pg_catalog.name[]) \
           AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_t(oast|emp)' \
         ORDER BY 1 LIMIT 5",
        names.join(", ")
    );
    let rows = reader.simple_aside(STEP, &sql)?.unwrap_or_default();
    let found: Vec<&str> = rows.iter().filter_map(|row| row.get(0)).collect();
    Ok((!found.is_empty()).then(|| format!("write {}", found.join(", "))))
}

/// Identifiers that stand by themselves, as the server reads them; text in quotes is passed over.
fn unqualified(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text;
    let mut after_dot = false;
    while let Some(c) = rest.chars().next() {
        let (name, length) = match c {
            '\'' => (None, quoted(rest, '\'').1),
            '"' => {
                let (name, length) = quoted(rest, '"');
                (Some(name), length)
            }
            c if c.is_alphabetic() || c == '_' => {
                let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
                let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                (Some(rest[..length].to_ascii_lowercase()), length)
            }
            c => (None, c.len_utf8()),
        };
        rest = &rest[length..];
        match name {
            Some(name) if !after_dot && !rest.trim_start().starts_with('.') => names.push(name),
            Some(_) | None => {}
        }
        after_dot = c == '.' || after_dot && c.is_whitespace();
    }
    names
}

/// What stands in quotes at the beginning, and how long that is.
fn quoted(text: &str, quote: char) -> (String, usize) {
    let mut inside = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            match chars.peek() {
                Some((_, next)) if *next == quote => {
                    chars.next();
                }
                Some(_) | None => return (inside, at + 1),
            }
        }
        inside.push(c);
    }
    (inside, text.len())
}

#[cfg(test)]
mod tests {
    use super::unqualified;

    #[test]
    fn names_by_themselves_are_found() {
        assert_eq!(unqualified("w gin_trgm_ops"), ["w", "gin_trgm_ops"]);
        assert_eq!(unqualified("w public.gin_trgm_ops"), ["w"]);
        assert_eq!(unqualified("public . norm(\"W\", 'x.y' )"), ["W"]);
        assert_eq!(unqualified("Norm(a.b)"), ["norm"]);
        assert_eq!(unqualified("v > 'it''s norm' and \"No\"\"rm\"(v)"), ["v", "and", "No\"rm", "v"]);
        assert_eq!(unqualified("'never closed"), Vec::<String>::new());
    }
}
