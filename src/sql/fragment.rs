//! SQL that a policy brings along: columns and predicates of indexes. What it means only the server knows; here it is
//! made sure that it stays where it is put.

/// Why a text cannot stand inside a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FragmentError {
    /// Nothing there.
    #[error("it is empty")]
    Empty,
    /// A parenthesis that is never closed.
    #[error("a parenthesis is never closed")]
    Open,
    /// A parenthesis that closes nothing.
    #[error("a parenthesis closes nothing")]
    Stray,
    /// A quote that is never closed.
    #[error("a quote is never closed")]
    Quote,
    /// A statement ends here.
    #[error("a semicolon")]
    Semicolon,
    /// What follows would not be read.
    #[error("a comment")]
    Comment,
    /// Two columns in one.
    #[error("a comma: each column is an item of its own")]
    Comma,
    /// `$$…$$` and `E'…'`, whose end is not looked for here.
    #[error("a dollar quote or an escape string: write it as a plain '…'")]
    Unread,
}

/// A column or expression of an index, with what may follow it.
///
/// # Errors
/// See [`FragmentError`].
pub fn column(text: &str) -> Result<(), FragmentError> {
    check(text, true)
}

/// An expression.
///
/// # Errors
/// See [`FragmentError`].
pub fn expression(text: &str) -> Result<(), FragmentError> {
    check(text, false)
}

/// What of a column of an index is an expression: in parentheses, or a call of a function.
pub(crate) fn index_expression(column: &str) -> Option<&str> {
    let text = column.trim_start();
    let mut rest = text;
    // The function's name, perhaps with its schema; none before a plain parenthesis.
    loop {
        rest = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?.1,
            None => rest.trim_start_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$')),
        };
        // A doubled quote closes and opens again.
        if rest.starts_with('"') {
            continue;
        }
        rest = rest.trim_start();
        match rest.strip_prefix('.') {
            Some(more) => rest = more.trim_start(),
            None => break,
        }
    }
    let start = text.len() - rest.len();
    let mut depth = 0_u32;
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '(' => depth += 1,
            ')' if depth == 1 => return text.get(..=start + at),
            ')' => depth = depth.checked_sub(1)?,
            // Another word: what follows is said of a plain column.
            _ if depth == 0 => return None,
            '\'' | '"' => {
                chars.by_ref().find(|(_, inside)| *inside == c)?;
            }
            _ => {}
        }
    }
    None
}

fn check(text: &str, one_column: bool) -> Result<(), FragmentError> {
    if text.trim().is_empty() {
        return Err(FragmentError::Empty);
    }
    let mut depth = 0_u32;
    let mut before = ' ';
    // The `e` of `date'…'` and `like'…'` ends a word, that of `1e'…'` may begin one.
    let (mut in_word, mut begins_word) = (false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // Inside an `E'…'` a backslash keeps a quote from closing. (Sessions pin standard_conforming_strings.)
            '\'' if matches!(before, 'e' | 'E') && begins_word => return Err(FragmentError::Unread),
            '$' | '\0' => return Err(FragmentError::Unread),
            // What is quoted is passed over. A doubled quote closes and opens again: the same to us.
            '\'' | '"' if !chars.by_ref().any(|inside| inside == c) => return Err(FragmentError::Quote),
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1).ok_or(FragmentError::Stray)?,
            ';' => return Err(FragmentError::Semicolon),
            ',' if one_column && depth == 0 => return Err(FragmentError::Comma),
            '-' if chars.peek() == Some(&'-') => return Err(FragmentError::Comment),
            '/' if chars.peek() == Some(&'*') => return Err(FragmentError::Comment),
            _ => {}
        }
        let letter = c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
        begins_word = letter && !in_word;
        in_word = letter || (in_word && c.is_ascii_digit());
        before = c;
    }
    if depth > 0 { Err(FragmentError::Open) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_in_its_place_is_taken() {
        for text in [
            "actor_id",
            "occurred_at desc nulls last",
            "lower(email)",
            "(a || ', ' || b) COLLATE \"C\"",
            "details jsonb_path_ops",
            "\"odd;name\"",
            "coalesce(a, b)",
        ] {
            assert_eq!(column(text), Ok(()), "{text}");
        }
        for text in [
            "status = 'it''s; (open'",
            "a IN (1, 2), b",
            "a - -1 > 0",
            r"path ~ '^/\d+$'",
            "at > date'2026-01-01' and x like'a%'",
        ] {
            assert_eq!(expression(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn an_expression_is_told_from_a_column() {
        for (text, expression) in [
            ("actor_id", None),
            ("occurred_at desc nulls last", None),
            ("details app.jsonb_path_ops", None),
            ("path app.gist_ops (siglen = 32)", None),
            ("\"odd (name\" desc", None),
            ("\"odd\" app.ops (siglen = 32)", None),
            ("lower(email)", Some("lower(email)")),
            ("lower (email) desc", Some("lower (email)")),
            ("app.f(a, ')') app.ops (siglen = 32)", Some("app.f(a, ')')")),
            ("\"App\" . \"f (\"(a) desc", Some("\"App\" . \"f (\"(a)")),
            ("app . f (a)", Some("app . f (a)")),
            (" ((a + app.one(1))) desc", Some("((a + app.one(1)))")),
            ("(a || ', )' || b) COLLATE \"C\"", Some("(a || ', )' || b)")),
        ] {
            assert_eq!(index_expression(text), expression, "{text}");
        }
    }

    #[test]
    fn what_reaches_out_of_it_is_not() {
        for (text, error) in [
            (" ", FragmentError::Empty),
            ("lower(email", FragmentError::Open),
            ("email)) ; drop table x", FragmentError::Stray),
            ("a; drop table x", FragmentError::Semicolon),
            ("a -- b", FragmentError::Comment),
            ("a /* b", FragmentError::Comment),
            ("a, b", FragmentError::Comma),
            ("'a", FragmentError::Quote),
            ("E'\\''; drop table x; --'", FragmentError::Unread),
            ("'a'e'\\''; drop table x; --'", FragmentError::Unread),
            ("1e'\\''; drop table x; --'", FragmentError::Unread),
            ("$$'$$ || b", FragmentError::Unread),
        ] {
            assert_eq!(column(text), Err(error), "{text}");
        }
    }
}
