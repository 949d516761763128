//! Identifiers as the catalog stores them, quoted only where PostgreSQL itself would.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

#[cfg(feature = "planner")]
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::visible::{is_odd, marked};

/// A name exactly as the catalog holds it; [`fmt::Display`] writes it as SQL, quoted where needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ident(String);

/// Why a text is not an identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentError {
    /// Nothing between the dots or quotes.
    #[error("an identifier is empty")]
    Empty,
    /// A `"` is never closed.
    #[error("a double quote is never closed")]
    Unclosed,
    /// An unquoted character that PostgreSQL would not take.
    #[error("`{0}` needs double quotes in an identifier")]
    NeedsQuotes(char),
    /// PostgreSQL would silently cut it.
    #[error("an identifier has {0} bytes; PostgreSQL keeps 63")]
    TooLong(usize),
    /// `U&"…"` with something after a backslash that is no character.
    #[error("a backslash in U&\"…\" is followed by four hexadecimal digits, a plus and six, or a backslash")]
    Escape,
    /// A table name without its schema, or with too many parts.
    #[error("expected `schema.table`, found {0} part(s)")]
    Parts(usize),
}

/// The longest identifier PostgreSQL keeps (`NAMEDATALEN` - 1), in bytes.
pub const MAX_IDENT_BYTES: usize = 63;

impl Ident {
    /// A name as the catalog holds it, taken as it is.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name itself, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as functions that take names in text read it (`to_regclass`, `format('%s')`): in quotes where needed, and
    /// never as `U&"…"`, which only SQL knows.
    pub fn in_text(&self) -> Cow<'_, str> {
        if self.is_plain() {
            Cow::Borrowed(&self.0)
        } else {
            Cow::Owned(postgres_protocol::escape::escape_identifier(&self.0))
        }
    }

    fn is_plain(&self) -> bool {
        self.0.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && self.0.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '$')
            && super::keyword::KEYWORDS.binary_search(&self.0.as_str()).is_err()
    }

    /// Parses one identifier as PostgreSQL does: unquoted text is folded to lower case, `""` inside quotes is one `"`.
    pub fn parse(text: &str) -> Result<Self, IdentError> {
        match parse_dotted(text)?.as_slice() {
            [one] => Ok(one.clone()),
            more => Err(IdentError::Parts(more.len())),
        }
    }
}

/// As SQL. What cannot be seen, or could be taken for a command, is written as `U&"…"` (section 4.1.2.3): a name is seen
/// as what it is wherever it is shown, and still can be copied.
impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_odd(&self.0) { f.write_str(&unicode_identifier(&self.0)) } else { f.write_str(&self.in_text()) }
    }
}

/// `U&"…"`
pub(crate) fn unicode_identifier(name: &str) -> String {
    let mut out = "U&\"".to_owned();
    for (c, odd) in marked(name) {
        match (odd, u32::from(c)) {
            (true, code @ 0..=0xffff) => out.push_str(&format!("\\{code:04X}")),
            (true, code) => out.push_str(&format!("\\+{code:06X}")),
            (false, _) if matches!(c, '"' | '\\') => out.extend([c, c]),
            (false, _) => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(feature = "planner")]
impl Serialize for Ident {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(feature = "planner")]
impl<'de> Deserialize<'de> for Ident {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name.is_empty() || name.len() > MAX_IDENT_BYTES || name.contains('\0') {
            return Err(serde::de::Error::custom("not a PostgreSQL identifier"));
        }
        Ok(Self(name))
    }
}

/// A table (or partition) and its schema.
///
/// ```
/// use pgstrata::pg::TableName;
/// let name: TableName = r#"Audit."Log""#.parse()?;
/// assert_eq!(name.to_string(), r#"audit."Log""#);
/// # Ok::<(), pgstrata::pg::IdentError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// The schema.
    pub schema: Ident,
    /// The table.
    pub name: Ident,
}

impl TableName {
    /// From names as the catalog holds them.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: Ident::new(schema), name: Ident::new(name) }
    }

    /// The name as functions that take names in text read it: see [`Ident::in_text`].
    pub fn in_text(&self) -> String {
        format!("{}.{}", self.schema.in_text(), self.name.in_text())
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

impl FromStr for TableName {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        match parse_dotted(text)?.as_slice() {
            [schema, name] => Ok(Self { schema: schema.clone(), name: name.clone() }),
            other => Err(IdentError::Parts(other.len())),
        }
    }
}

#[cfg(feature = "planner")]
impl Serialize for TableName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.in_text())
    }
}

#[cfg(feature = "planner")]
impl<'de> Deserialize<'de> for TableName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

fn parse_dotted(text: &str) -> Result<Vec<Ident>, IdentError> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    loop {
        let (part, tail) = if let Some(quoted) = rest.strip_prefix('"') {
            quoted_part(quoted)?
        } else if let Some(quoted) = ["U&\"", "u&\""].iter().find_map(|prefix| rest.strip_prefix(prefix)) {
            let (part, tail) = quoted_part(quoted)?;
            (unescaped(&part)?, tail)
        } else {
            plain_part(rest)?
        };
        if part.is_empty() {
            return Err(IdentError::Empty);
        }
        if part.len() > MAX_IDENT_BYTES {
            return Err(IdentError::TooLong(part.len()));
        }
        parts.push(Ident(part));
        match tail.strip_prefix('.') {
            Some(next) => rest = next,
            None if tail.is_empty() => return Ok(parts),
            None => return Err(IdentError::NeedsQuotes(tail.chars().next().unwrap_or('"'))),
        }
    }
}

fn quoted_part(text: &str) -> Result<(String, &str), IdentError> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"').ok_or(IdentError::Unclosed)?;
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                name.push('"');
                rest = after;
            }
            None => return Ok((name, rest)),
        }
    }
}

/// What `U&"…"` stands for, its quotes taken off.
fn unescaped(text: &str) -> Result<String, IdentError> {
    let mut name = String::new();
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        name.push_str(before);
        if let Some(after) = escape.strip_prefix('\\') {
            name.push('\\');
            rest = after;
            continue;
        }
        let (from, digits) = if escape.starts_with('+') { (1, 6) } else { (0, 4) };
        let code = escape.get(from..from + digits).and_then(|code| u32::from_str_radix(code, 16).ok());
        let c = code.filter(|code| *code != 0).and_then(char::from_u32).ok_or(IdentError::Escape)?;
        name.push(c);
        rest = &escape[from + digits..];
    }
    name.push_str(rest);
    Ok(name)
}

fn plain_part(text: &str) -> Result<(String, &str), IdentError> {
    let end = text.find('.').unwrap_or(text.len());
    let part = &text[..end];
    for (at, c) in part.chars().enumerate() {
        // scan.l: identifiers start with a letter, `_` or any byte above 127; digits and `$` may follow.
        let fits = c.is_ascii_alphabetic() || c == '_' || !c.is_ascii() || (at > 0 && (c.is_ascii_digit() || c == '$'));
        if !fits {
            return Err(IdentError::NeedsQuotes(c));
        }
    }
    Ok((part.to_ascii_lowercase(), &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_and_quotes_as_postgresql_does() {
        for (text, shown) in [
            ("audit.Log", "audit.log"),
            (r#"audit."Log""#, r#"audit."Log""#),
            (r#""a.b"."c""d""#, r#""a.b"."c""d""#),
            ("public.order", r#"public."order""#),
            ("s.größe", r#"s."größe""#),
            ("s.\"a\n::error ::\\\"", r#"s.U&"a\000A::error ::\\""#),
            ("s.\"##[x]\"", r###"s.U&"##\005Bx]""###),
            ("\"\u{202e}\".\"\u{e0041}\"", r#"U&"\202E".U&"\+0E0041""#),
            (r#"u&"d\0061t\+000061".t"#, "data.t"),
        ] {
            let name: TableName = text.parse().unwrap();
            assert_eq!(name.to_string(), shown);
            assert_eq!(name.to_string().parse::<TableName>().unwrap(), name, "a shown name reads back as itself");
            assert_eq!(name.in_text().parse::<TableName>().unwrap(), name);
        }
    }

    #[test]
    fn refuses_what_is_no_name() {
        for (text, error) in [
            ("log", IdentError::Parts(1)),
            ("a.b.c", IdentError::Parts(3)),
            ("a..b", IdentError::Empty),
            (r#"a."b"#, IdentError::Unclosed),
            ("a.b-c", IdentError::NeedsQuotes('-')),
            ("a.1b", IdentError::NeedsQuotes('1')),
            (r#"a.U&"\12""#, IdentError::Escape),
            (r#"a.U&"\0000""#, IdentError::Escape),
            (r#"a.U&"\é000""#, IdentError::Escape),
        ] {
            assert_eq!(text.parse::<TableName>().unwrap_err(), error, "{text}");
        }
        assert_eq!(format!("a.{}", "x".repeat(64)).parse::<TableName>().unwrap_err(), IdentError::TooLong(64));
    }

    #[test]
    fn keywords_are_sorted() {
        assert!(super::super::keyword::KEYWORDS.is_sorted());
    }
}
