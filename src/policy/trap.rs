//! YAML's own traps: what its syntax errors usually mean in a policy.

use granit_parser::ErrorKind;

/// What a syntax error means, and what to do about it.
#[allow(clippy::wildcard_enum_match_arm, reason = "the parser's enum is non-exhaustive")]
pub(crate) fn scan_error(kind: &ErrorKind, max_depth: usize) -> (String, Option<String>) {
    match kind {
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation => {
            ("YAML does not allow tabs here".to_owned(), Some("indent with spaces".to_owned()))
        }
        ErrorKind::RecursionLimitExceeded => (format!("nested deeper than {max_depth} levels"), None),
        ErrorKind::UnknownAnchor => (
            "the alias stands for nothing".to_owned(),
            Some("a value that begins with `*` is an alias in YAML: quote it if it is meant as text".to_owned()),
        ),
        ErrorKind::UnclosedQuotedScalar => ("a quote is never closed".to_owned(), None),
        ErrorKind::DirectiveDisallowed => {
            ("a YAML directive".to_owned(), Some("a value that begins with `%` needs quotes".to_owned()))
        }
        other => (other.to_string(), None),
    }
}

/// Looks at the line of `at`, and the one before it, for what usually breaks a policy.
pub(crate) fn help(text: &str, at: usize) -> Option<String> {
    let head = text.get(..at)?;
    let start = head.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(start..)?.lines().next()?;
    let before = head.get(..start.saturating_sub(1)).and_then(|head| head.lines().last()).unwrap_or("");
    [line, before].into_iter().find_map(line_help)
}

fn line_help(line: &str) -> Option<String> {
    let code = unquoted(line);
    if let Some(at) = code.find("${")
        && code.get(..at)?.contains(['{', '['])
    {
        return Some("inside `{…}` and `[…]` a `${…}` needs quotes: \"${NAME}\"".to_owned());
    }
    for placeholder in ["{table}", "{start:", "{end:", "{table:", "{schema}"] {
        if code.contains(placeholder) {
            return Some("a template needs quotes, or YAML reads a map: \"{table}_p{start:%Y%m%d}\"".to_owned());
        }
    }
    let value = code.split_once(": ").map(|(_, value)| value.trim_start())?;
    value
        .starts_with(['%', '@', '`', '*', '&', '!'])
        .then(|| format!("a value that begins with `{}` needs quotes", value.chars().next().unwrap_or('%')))
}

/// The line with what is between quotes blanked, and without its comment.
fn unquoted(line: &str) -> String {
    let mut quote = None;
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        match quote {
            Some(open) => {
                out.push(' ');
                if c == open {
                    quote = None;
                }
            }
            None if c == '#' => break,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                out.push(' ');
            }
            None => out.push(c),
        }
    }
    out
}
