//! Expressions of PostgreSQL in a policy: whether they are whole. What they mean, the server says.

use super::Checks;
use crate::policy::{PolicyError, PolicyPath};

/// How a text's parentheses end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parentheses {
    Balanced,
    /// One is never closed, or a quote is not.
    Open,
    /// One is closed that was never opened.
    Stray,
}

/// Counts outside quotes; a doubled quote closes and opens.
fn parentheses(text: &str) -> Parentheses {
    // `E'\''` and `$$'$$` have quotes that are none: for the server to say.
    if text.contains(['\\', '$']) {
        return Parentheses::Balanced;
    }
    let mut quote = None;
    let mut depth = 0_usize;
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => return Parentheses::Stray,
            (None, ')') => depth -= 1,
            (None, _) => {}
        }
    }
    if depth == 0 && quote.is_none() { Parentheses::Balanced } else { Parentheses::Open }
}

/// Refuses a list of columns that was cut at a comma: in `[coalesce(a, b), c]` YAML sees three items.
pub(super) fn columns(checks: &mut Checks, path: &PolicyPath, columns: &[String]) {
    let mut at = 0;
    while at < columns.len() {
        let column = &columns[at];
        if column.trim().is_empty() {
            checks.at(&path.index(at), "an empty column");
        } else if parentheses(column) != Parentheses::Balanced {
            let error = unbalanced(&path.index(at), column);
            // As many of the items after it as make it whole.
            let whole = (at + 1..columns.len())
                .map(|end| (end, columns[at..=end].join(", ")))
                .find(|(_, text)| parentheses(text) == Parentheses::Balanced);
            match whole {
                Some((end, text)) => {
                    checks.push(error.help(format!(
                        "a comma ends an item of `[…]`: put quotes around the whole, {}",
                        in_quotes(&text)
                    )));
                    at = end;
                }
                None => checks.push(error),
            }
        }
        at += 1;
    }
}

/// Refuses a predicate that is not whole.
pub(super) fn predicate(checks: &mut Checks, path: &PolicyPath, predicate: &str) {
    if predicate.trim().is_empty() {
        checks.at(path, "an empty predicate");
    } else if parentheses(predicate) != Parentheses::Balanced {
        let error = unbalanced(path, predicate);
        checks.push(error.help(
            "put quotes around the whole: outside them a ` #` begins a comment, and inside `{…}` a comma ends a value",
        ));
    }
}

fn unbalanced(path: &PolicyPath, text: &str) -> PolicyError {
    let what = match parentheses(text) {
        Parentheses::Open | Parentheses::Balanced => "has a parenthesis or a quote that is never closed",
        Parentheses::Stray => "closes a parenthesis that was never opened",
    };
    PolicyError::at(path.clone(), format!("`{}` {what}", crate::policy::tree::shortened(text)))
}

/// As a YAML scalar.
fn in_quotes(text: &str) -> String {
    if text.contains(['"', '\\']) { format!("'{}'", text.replace('\'', "''")) } else { format!("\"{text}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parentheses_in_quotes_do_not_count() {
        for (text, expected) in [
            ("occurred_at desc", Parentheses::Balanced),
            ("coalesce(a, (b))", Parentheses::Balanced),
            ("details->>'(' desc", Parentheses::Balanced),
            ("\"odd)\" desc", Parentheses::Balanced),
            ("replace(a, '''(', '')", Parentheses::Balanced),
            ("note = E'\\'('", Parentheses::Balanced),
            ("coalesce(a", Parentheses::Open),
            ("a = 'x", Parentheses::Open),
            ("b)", Parentheses::Stray),
            (")(", Parentheses::Stray),
        ] {
            assert_eq!(parentheses(text), expected, "{text}");
        }
        assert_eq!(in_quotes("coalesce(a, 'x')"), "\"coalesce(a, 'x')\"");
        assert_eq!(in_quotes("f(\"A\", 'x')"), "'f(\"A\", ''x'')'");
    }
}
