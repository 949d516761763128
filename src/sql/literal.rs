//! String constants, quoted by type.

use std::fmt;

use crate::visible::{is_odd, marked};

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
        if is_odd(self.0) {
            return f.write_str(&escape_string(self.0));
        }
        // With a backslash the crate writes ` E'…'`, with a blank in front.
        f.write_str(postgres_protocol::escape::escape_literal(self.0).trim_start())
    }
}

/// `E'…'` with everything in it to be seen.
fn escape_string(text: &str) -> String {
    let mut out = "E'".to_owned();
    for (c, odd) in marked(text) {
        match (odd, c) {
            (true, c) => push_escape(&mut out, c),
            (false, '\'' | '\\') => out.extend([c, c]),
            (false, c) => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// A character inside `E'…'` (section 4.1.2.2).
pub(super) fn push_escape(out: &mut String, c: char) {
    match (c, u32::from(c)) {
        ('\n', _) => out.push_str("\\n"),
        ('\t', _) => out.push_str("\\t"),
        ('\r', _) => out.push_str("\\r"),
        (_, code @ 0..=0xffff) => out.push_str(&format!("\\u{code:04X}")),
        (_, code) => out.push_str(&format!("\\U{code:08X}")),
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
        assert_eq!(Literal("it's\n\\\x1b ##[x]").to_string(), r"E'it''s\n\\\u001B ##\u005Bx]'");
        assert_eq!(Literal("\u{202e}\u{e0041}").to_string(), r"E'\u202E\U000E0041'");
        assert_eq!(dollar_quoted("x"), "$pgstrata$x$pgstrata$");
        assert_eq!(dollar_quoted("a $pgstrata$ b"), "$pgstrata1$a $pgstrata$ b$pgstrata1$");
    }
}
