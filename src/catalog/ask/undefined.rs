//! What a name in an index's text that is not there may have meant: an index is built with `pg_catalog` alone in its search
//! path, and so are the functions that it calls.

use std::collections::BTreeSet;

use super::super::error::InspectError;
use super::super::reader::Reader;

const STEP: &str = "looking for names of an index";

/// What to write instead, where something of a name that stands in the texts, or in a function that they call, is there in
/// some schema.
pub(super) fn hint(reader: &mut Reader<'_>, texts: &[String]) -> Result<Option<String>, InspectError> {
    let names: BTreeSet<String> = texts.iter().flat_map(|text| unqualified(text)).collect();
    let found = in_schemas(reader, &names)?;
    if !found.is_empty() {
        let all: Vec<String> = found.iter().map(Found::to_string).collect();
        return Ok(Some(format!("write {}", all.join(", "))));
    }
    let called: BTreeSet<(String, String)> = texts.iter().flat_map(|text| called(text)).collect();
    for function in bodies(reader, &called)? {
        // Its own arguments and what the language says are names as well: what is there in a schema is a function or a type.
        let names = unqualified(&function.body).into_iter().collect();
        let found = in_schemas(reader, &names)?;
        let Some(first) = found.first() else { continue };
        let (bare, whole): (Vec<&str>, Vec<String>) =
            (found.iter().map(|one| one.name.as_str()).collect(), found.iter().map(Found::to_string).collect());
        return Ok(Some(format!(
            "{name} names {} without a schema, and an index calls it with pg_catalog alone as search_path: write {} in its \
             body, or ALTER FUNCTION {name} SET search_path = {}",
            bare.join(", "),
            whole.join(", "),
            first.schema,
            name = function.name,
        )));
    }
    Ok(None)
}

/// What a function that the texts call would not find when the index is built on rows: an empty table calls nothing, and so
/// tells nothing of it. The refusal, with what to do in a second line.
pub(super) fn unfound(reader: &mut Reader<'_>, texts: &[String]) -> Result<Option<String>, InspectError> {
    let called: BTreeSet<(String, String)> = texts.iter().flat_map(|text| called(text)).collect();
    for function in bodies(reader, &called)? {
        let calls = words(&function.body).into_iter();
        let calls = calls.filter(|word| word.before_parenthesis && !word.after_dot).map(|word| word.name).collect();
        let found = in_schemas(reader, &calls)?;
        let own = built_in(reader, &calls)?;
        let Some(first) = found.iter().find(|one| one.function && !own.contains(&one.name)) else { continue };
        let (name, Found { schema, name: callee, .. }) = (&function.name, first);
        return Ok(Some(format!(
            "{name} calls {callee} without a schema, and would not find it\n{name} is called with pg_catalog alone as \
             search_path: write {first} in its body, or ALTER FUNCTION {name} SET search_path = {schema}"
        )));
    }
    Ok(None)
}

/// Which of these names PostgreSQL itself has for a function or a type.
fn built_in(reader: &mut Reader<'_>, names: &BTreeSet<String>) -> Result<BTreeSet<String>, InspectError> {
    if names.is_empty() {
        return Ok(BTreeSet::new());
    }
    let names: Vec<String> = names.iter().map(|name| postgres_protocol::escape::escape_literal(name)).collect();
    let sql = format!(
        "SELECT pg_catalog.quote_ident(proname) FROM pg_catalog.pg_proc \
         WHERE pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND proname = ANY (ARRAY[{names}]::pg_catalog.name[]) \
         UNION SELECT pg_catalog.quote_ident(typname) FROM pg_catalog.pg_type \
         WHERE typnamespace = 'pg_catalog'::pg_catalog.regnamespace AND typname = ANY (ARRAY[{names}]::pg_catalog.name[])",
        names = names.join(", ")
    );
    let rows = reader.simple_aside(STEP, &sql)?.unwrap_or_default();
    Ok(rows.iter().filter_map(|row| row.get(0)).map(str::to_owned).collect())
}

/// Something in a schema, each as SQL writes it.
struct Found {
    schema: String,
    name: String,
    function: bool,
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

fn in_schemas(reader: &mut Reader<'_>, names: &BTreeSet<String>) -> Result<Vec<Found>, InspectError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = names.iter().map(|name| postgres_protocol::escape::escape_literal(name)).collect();
    let sql = format!(
        "SELECT pg_catalog.quote_ident(n.nspname), pg_catalog.quote_ident(f.name), pg_catalog.bool_or(f.function) \
         FROM (SELECT opcnamespace AS schema, opcname AS name, false AS function FROM pg_catalog.pg_opclass \
               UNION ALL SELECT pronamespace, proname, true FROM pg_catalog.pg_proc \
               UNION ALL SELECT typnamespace, typname, false FROM pg_catalog.pg_type WHERE typrelid = 0 AND typelem = 0 \
               UNION ALL SELECT collnamespace, collname, false FROM pg_catalog.pg_collation \
               UNION ALL SELECT cfgnamespace, cfgname, false FROM pg_catalog.pg_ts_config) AS f \
         JOIN pg_catalog.pg_namespace AS n ON n.oid = f.schema \
         WHERE f.name = ANY (ARRAY[{names}]::pg_catalog.name[]) \
           AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_t(oast|emp)' \
         GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 5",
        names = names.join(", ")
    );
    let rows = reader.simple_aside(STEP, &sql)?.unwrap_or_default();
    let found = rows.iter().filter_map(|row| {
        let (schema, name) = (row.get(0)?.to_owned(), row.get(1)?.to_owned());
        Some(Found { schema, name, function: row.get(2) == Some("t") })
    });
    Ok(found.collect())
}

/// A function with the text of its body.
struct Function {
    name: String,
    body: String,
}

/// Functions of these schemas and names whose body is text and is read with the caller's search path.
fn bodies(reader: &mut Reader<'_>, called: &BTreeSet<(String, String)>) -> Result<Vec<Function>, InspectError> {
    if called.is_empty() {
        return Ok(Vec::new());
    }
    let quoted = |text: &str| postgres_protocol::escape::escape_literal(text);
    let pairs: Vec<String> =
        called.iter().map(|(schema, name)| format!("({}, {})", quoted(schema), quoted(name))).collect();
    let sql = format!(
        "SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text, p.prosrc \
         FROM pg_catalog.pg_proc AS p \
         JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace \
         JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang \
         WHERE (n.nspname::pg_catalog.text, p.proname::pg_catalog.text) IN ({}) AND l.lanname IN ('sql', 'plpgsql') \
           AND NOT EXISTS (SELECT 1 FROM pg_catalog.unnest(p.proconfig) AS c WHERE c LIKE 'search_path=%') \
         ORDER BY 1",
        pairs.join(", ")
    );
    let rows = reader.simple_aside(STEP, &sql)?.unwrap_or_default();
    let found = rows.iter().filter_map(|row| Some((row.get(0)?.to_owned(), row.get(1)?.to_owned())));
    Ok(found.map(|(name, body)| Function { name, body }).collect())
}

/// Identifiers that stand by themselves, as the server reads them; text in quotes is passed over.
fn unqualified(text: &str) -> Vec<String> {
    words(text).into_iter().filter(|word| !word.after_dot && !word.before_dot).map(|word| word.name).collect()
}

/// What is called with its schema: `app.norm(…)`.
fn called(text: &str) -> Vec<(String, String)> {
    let all = words(text);
    let pairs = all.iter().zip(all.iter().skip(1));
    let calls = pairs.filter(|(schema, function)| {
        schema.before_dot && !schema.after_dot && function.after_dot && function.before_parenthesis
    });
    calls.map(|(schema, function)| (schema.name.clone(), function.name.clone())).collect()
}

/// An identifier and what stands beside it.
struct Word {
    name: String,
    after_dot: bool,
    before_dot: bool,
    before_parenthesis: bool,
}

fn words(text: &str) -> Vec<Word> {
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
        if let Some(name) = name {
            let next = rest.trim_start();
            let (before_dot, before_parenthesis) = (next.starts_with('.'), next.starts_with('('));
            names.push(Word { name, after_dot, before_dot, before_parenthesis });
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
    use super::{called, unqualified};

    #[test]
    fn names_by_themselves_are_found() {
        assert_eq!(unqualified("w gin_trgm_ops"), ["w", "gin_trgm_ops"]);
        assert_eq!(unqualified("w public.gin_trgm_ops"), ["w"]);
        assert_eq!(unqualified("public . norm(\"W\", 'x.y' )"), ["W"]);
        assert_eq!(unqualified("Norm(a.b)"), ["norm"]);
        assert_eq!(unqualified("v > 'it''s norm' and \"No\"\"rm\"(v)"), ["v", "and", "No\"rm", "v"]);
        assert_eq!(unqualified("'never closed"), Vec::<String>::new());
    }

    #[test]
    fn what_is_called_with_its_schema_is_found() {
        let pair = |schema: &str, name: &str| (schema.to_owned(), name.to_owned());
        assert_eq!(called("public.nest(w)"), [pair("public", "nest")]);
        assert_eq!(called("(a.b > 'x.y(z)') and \"My\" . \"F\" (App.g(c.d))"), [pair("My", "F"), pair("app", "g")]);
        assert_eq!(called("norm(w)"), []);
    }
}
