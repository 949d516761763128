//! Text inside XML 1.0, which has no place for most control characters, not even as references.

use std::borrow::Cow;

use crate::visible::clean;

/// Text for an attribute in double quotes, or for an element's content. Control characters are made visible.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    let text = clean(text);
    let special = |c: char| matches!(c, '&' | '<' | '>' | '"' | '\'' | '\u{fffe}' | '\u{ffff}');
    if !text.contains(special) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => escaped.extend(c.escape_unicode()),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_an_attribute_or_is_no_character_of_xml() {
        assert_eq!(escape("plain – ü"), "plain – ü");
        assert_eq!(escape("a<b>&\"c\"'d'"), "a&lt;b&gt;&amp;&quot;c&quot;&apos;d&apos;");
        assert_eq!(escape("a\nb\0\u{ffff}"), "a\\u{a}b\\u{0}\\u{ffff}");
    }
}
