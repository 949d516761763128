//! Text that Markdown and HTML leave as it is, whatever a table is called.

use crate::render::style::clean;

/// Prose: every character that could mean something to GitHub's Markdown is made plain, and nobody is mentioned.
pub(super) fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A word joiner: an escaped @ still mentions.
            '@' => out.push_str("@\u{2060}"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// A code span, its fence longer than any run of backticks inside (CommonMark, section 6.1).
pub(super) fn code(text: &str) -> String {
    let text = clean(text);
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A code span in a table, where `|` needs a backslash even there (GitHub Flavored Markdown, section 4.10).
pub(super) fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// A fence for these lines: at least three backticks, and more than any run inside.
pub(super) fn fence(text: &str) -> String {
    "`".repeat((longest_run(text) + 1).max(3))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_means_anything() {
        assert_eq!(prose("<b> @team *x* | `y`"), "&lt;b&gt; @\u{2060}team \\*x\\* \\| \\`y\\`");
        assert_eq!(code("a|`b`"), "`` a|`b` ``");
        assert_eq!(cell("a|b"), "`a\\|b`");
        assert_eq!(code("x\ny"), "`x\\u{a}y`");
        assert_eq!(fence("a ```` b"), "`````");
    }
}
