//! Passwords in text that is shown: an excerpt of a policy, or a message that quotes one.

use std::ops::Range;

/// What stands in a secret's place.
pub(super) const MASK: &str = "***";

/// Words that a secret's key ends with, in a connection string as in YAML.
const KEYS: [&str; 4] = ["password", "passwd", "secret", "token"];

/// Where the secrets of a text are, in order, none within another.
///
/// Rather one too many than one too few: what is masked can be read in the file.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = urls(text).chain(values(text)).collect();
    found.sort_by_key(|range| (range.start, range.end));
    let mut apart: Vec<Range<usize>> = Vec::new();
    for range in found {
        match apart.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            Some(_) | None => apart.push(range),
        }
    }
    apart
}

/// The text with its secrets masked.
pub(super) fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for range in secrets(text) {
        out.push_str(&text[done..range.start]);
        out.push_str(MASK);
        done = range.end;
    }
    out.push_str(&text[done..]);
    out
}

/// `scheme://user:PASSWORD@host`: to the last `@`, for a password may have one that is not written as `%40`.
fn urls(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    text.match_indices("://").filter_map(|(at, mark)| {
        let from = at + mark.len();
        let url = &text[from..];
        let url = &url[..url.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`')).unwrap_or(url.len())];
        let user = &url[..url.rfind('@')?];
        let password = user.find(':')? + 1;
        (password < user.len()).then(|| from + password..from + user.len())
    })
}

/// `password=SECRET`, `password: SECRET` and their like.
fn values(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    // ASCII only: lower case moves nothing.
    let lower = text.to_ascii_lowercase();
    let ends: Vec<usize> = KEYS
        .into_iter()
        .flat_map(|key| lower.match_indices(key).map(move |(at, _)| at + key.len()).collect::<Vec<_>>())
        .collect();
    ends.into_iter().filter_map(|end| value(text, end))
}

fn value(text: &str, key_end: usize) -> Option<Range<usize>> {
    let rest = &text[key_end..];
    let closed = rest.trim_start_matches(['"', '\'']).trim_start_matches([' ', '\t']);
    let opened = closed.strip_prefix(['=', ':'])?.trim_start_matches([' ', '\t']);
    let from = text.len() - opened.len();
    let first = opened.chars().next()?;
    let to = match first {
        '"' | '\'' => {
            let inner = &opened[1..];
            let end = inner.find(first).unwrap_or_else(|| inner.find('\n').unwrap_or(inner.len()));
            return (end > 0 && !inner.starts_with("${")).then(|| from + 1..from + 1 + end);
        }
        // A map, a list, a variable's name.
        '{' | '[' | '\n' | '\r' => return None,
        '$' if opened.starts_with("${") => return None,
        _ => opened.find(|c: char| c.is_whitespace() || matches!(c, '&' | ',' | '}' | '"' | '\'' | '`')),
    };
    let end = to.unwrap_or(opened.len());
    (end > 0).then(|| from..from + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (text, shown) in [
            ("url: postgresql://u:s3cret@h/d", "url: postgresql://u:***@h/d"),
            (
                "url: \"postgres://u:p@ss:w/rd@h:5432/d?sslmode=require\"",
                "url: \"postgres://u:***@h:5432/d?sslmode=require\"",
            ),
            ("postgresql:///d?user=u&password=s3cret&host=h", "postgresql:///d?user=u&password=***&host=h"),
            ("host=h password='it s' sslpassword=x", "host=h password='***' sslpassword=***"),
            ("{password: s3cret, user: u}", "{password: ***, user: u}"),
            ("admin_password: \"s3 cret\"", "admin_password: \"***\""),
            ("\"api_token\" : s3cret # why", "\"api_token\" : *** # why"),
            ("a `mysql://u:x@h` b", "a `mysql://u:***@h` b"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    #[test]
    fn what_is_none_is() {
        for text in [
            "url: ${DATABASE_URL}",
            "password: ${PGPASSWORD}",
            "password_encryption: md5",
            "postgresql://u@h:5432/d",
            "see https://example.org/a:b",
            "secrets: {a: b}",
            "token:\n  x: y",
            "",
        ] {
            assert_eq!(masked(text), text);
        }
    }
}
