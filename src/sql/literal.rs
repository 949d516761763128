//! String constants, quoted by type.

use std::fmt;

/// A text that [`fmt::Display`] writes as an SQL string constant.
///
/// ```
/// use pgstrata::sql::Literal;
/// assert_eq!(Literal("it's").to_string(), "'it''s'");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Literal<'a>(pub &'a str);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // With a backslash the crate writes ` E'…'`, with a blank in front.
        f.write_str(postgres_protocol::escape::escape_literal(self.0).trim_start())
    }
}

/// Wraps a body in dollar quotes with a tag that the body does not contain (section 4.1.2.4).
pub(crate) fn dollar_quoted(body: &str) -> String {
    let tags = std::iter::once("$pgstrata$".to_owned()).chain((1u32..).map(|n| format!("$pgstrata{n}$")));
    let tag = tags.into_iter().find(|tag| !body.contains(tag.as_str())).unwrap_or_default();
    format!("{tag}{body}{tag}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_needs_it() {
        assert_eq!(Literal(r"a\b").to_string(), r"E'a\\b'");
        assert_eq!(dollar_quoted("x"), "$pgstrata$x$pgstrata$");
        assert_eq!(dollar_quoted("a $pgstrata$ b"), "$pgstrata1$a $pgstrata$ b$pgstrata1$");
    }
}
