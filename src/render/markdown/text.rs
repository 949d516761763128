//! Text that Markdown and HTML leave as it is, whatever a table is called.

use std::borrow::Cow;

use crate::visible::clean;

/// Prose: every character that could mean something to GitHub's Markdown is made plain, and nobody is mentioned.
pub(super) fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(&without_rows(text)).chars() {
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

/// A server's error without values of rows: a page is read by more people than may read the table. Nothing says where a
/// value ends, so that all that follows goes with it.
fn without_rows(text: &str) -> Cow<'_, str> {
    let key = text.find("Key (").filter(|at| text[*at..].contains(")=("));
    let row = text.find("row contains (");
    match key.into_iter().chain(row).min() {
        Some(at) => Cow::Owned(format!("{}(left out: values of a row)", &text[..at])),
        None => Cow::Borrowed(text),
    }
}

/// A code span, its fence longer than any run of backticks inside (CommonMark, section 6.1).
pub(super) fn code(text: &str) -> String {
    let text = without_rows(text);
    let text = clean(&text);
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
    fn values_of_rows_stay_out() {
        let error = "duplicate key (SQLSTATE 23505); detail: Key (email)=(a@b; hint: c) already exists.; hint: none";
        assert_eq!(prose(error), "duplicate key (SQLSTATE 23505); detail: (left out: values of a row)");
        assert!(!code("x; detail: Failing row contains (1, secret).; where: y").contains("secret"));
        let dependant = "cannot drop; detail: view v depends on table t";
        assert_eq!(prose(dependant), dependant);
    }

    #[test]
    fn nothing_in_a_name_means_anything() {
        assert_eq!(prose("<b> @team *x* | `y`"), "&lt;b&gt; @\u{2060}team \\*x\\* \\| \\`y\\`");
        assert_eq!(code("a|`b`"), "`` a|`b` ``");
        assert_eq!(cell("a|b"), "`a\\|b`");
        assert_eq!(code("x\ny"), "`x\\u{a}y`");
        assert_eq!(fence("a ```` b"), "`````");
    }
}
