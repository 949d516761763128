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
