//! YAML's own traps: what its syntax errors usually mean in a policy.

use granit_parser::ErrorKind;

/// What a syntax error at a byte of a text means, and what to do about it.
#[allow(clippy::wildcard_enum_match_arm, reason = "the parser's enum is non-exhaustive")]
pub(crate) fn scan_error(kind: &ErrorKind, max_depth: usize, text: &str, at: usize) -> (String, Option<String>) {
    let (message, meant) = match kind {
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation => {
            // Whatever else is odd about the line.
            return ("YAML does not allow tabs here".to_owned(), Some("indent with spaces".to_owned()));
        }
        ErrorKind::RecursionLimitExceeded => return (format!("nested deeper than {max_depth} levels"), None),
        ErrorKind::UnknownAnchor => (
            "the alias stands for nothing",
            Some("a value that begins with `*` is an alias in YAML: quote it if it is meant as text".to_owned()),
        ),
        ErrorKind::UnclosedQuotedScalar => ("a quote is never closed", None),
        ErrorKind::DirectiveDisallowed => {
            ("a YAML directive", Some("a value that begins with `%` needs quotes".to_owned()))
        }
        ErrorKind::UnexpectedCharacter { character } => (
            "this character means something else in YAML, or nothing yet",
            Some(format!("a value that begins with `{character}` needs quotes")),
        ),
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            ("a value that begins with a quote ends with it", Some(trailing(text, at)))
        }
        ErrorKind::ExpectedFlowMappingSeparator => ("expected `,` or `}`", in_flow(text, at)),
        ErrorKind::ExpectedFlowSequenceSeparator => ("expected `,` or `]`", in_flow(text, at)),
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidMappingValueWhitespace => {
            ("no `: ` can stand here", Some(colon(text, at)))
        }
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::ExpectedBlockSequenceEntry | ErrorKind::InvalidIndentation => {
            ("no key can begin here", unaligned(text, at))
        }
        other => return (other.to_string(), help(text, at)),
    };
    (message.to_owned(), help(text, at).or(meant))
}

/// What a key usually means that is no key of a policy.
pub(crate) fn key_help(key: &str) -> Option<String> {
    if let Some((name, value)) = key.split_once(':')
        && !name.is_empty()
        && !value.is_empty()
    {
        return Some(format!("a blank goes after the colon: `{name}: {value}`"));
    }
    key.contains([')', '\'', '"', '='])
        .then(|| "a comma ends a value inside `{…}`: put quotes around a value that has one".to_owned())
}

/// Something follows a closing quote.
fn trailing(text: &str, at: usize) -> String {
    if text.get(at..).is_some_and(|rest| rest.starts_with('.')) {
        return "PostgreSQL's double quotes go inside YAML's: '\"Odd Name\".\"Table\"'".to_owned();
    }
    match open_bracket(text, at) {
        Some(_) => "put quotes around the whole value: inside `{…}` and `[…]` a comma ends it".to_owned(),
        None => "put the other kind of quotes around the whole value: \"'a' = b\"".to_owned(),
    }
}

/// Inside `{…}` or `[…]`.
fn in_flow(text: &str, at: usize) -> Option<String> {
    let (line, bracket) = open_bracket(text, at)?;
    if line != line_number(text, at) {
        return Some(format!("the `{bracket}` in line {line} is not closed"));
    }
    text.get(at..)?.starts_with(':').then(|| "a value with `: ` in it needs quotes".to_owned())
}

/// A second `: ` in a line, or one after a line that has none.
fn colon(text: &str, at: usize) -> String {
    let line = text.get(..at).and_then(|head| head.lines().last()).unwrap_or_default();
    let before = text.lines().take(line_number(text, at) - 1).filter(|line| !line.trim().is_empty()).last();
    if !unquoted(line).contains(": ")
        && let Some((name, value)) = before.and_then(|before| before.trim().split_once(':'))
        && !value.is_empty()
        && !value.starts_with(' ')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
    {
        return format!("a blank goes after the colon in the line before: `{name}: {value}`");
    }
    "a value with `: ` in it needs quotes".to_owned()
}

/// A line that begins where no line above it does.
fn unaligned(text: &str, at: usize) -> Option<String> {
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let number = line_number(text, at);
    let own = indent(text.lines().nth(number - 1)?);
    let mut deeper = usize::MAX;
    for line in text.lines().take(number - 1).collect::<Vec<_>>().into_iter().rev() {
        let code = unquoted(line);
        if code.trim().is_empty() || indent(line) >= deeper {
            continue;
        }
        deeper = indent(line);
        if deeper <= own {
            break;
        }
    }
    (deeper != own).then(|| "it lines up with no line above: indent it exactly like those it belongs with".to_owned())
}

fn line_number(text: &str, at: usize) -> usize {
    text.get(..at).map_or(0, |head| head.matches('\n').count()) + 1
}

/// The line and the character of the innermost bracket that is open at a byte.
fn open_bracket(text: &str, at: usize) -> Option<(usize, char)> {
    let mut open = Vec::new();
    for (number, line) in text.get(..at)?.lines().enumerate() {
        for c in unquoted(line).chars() {
            match c {
                '{' | '[' => open.push((number + 1, c)),
                '}' | ']' => drop(open.pop()),
                _ => {}
            }
        }
    }
    open.pop()
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
