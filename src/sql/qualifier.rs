//! A parent's expression on its partition: inside a subquery the server writes the table's own columns as
//! `parent.column`, which on the partition must read `partition.column`.

use super::Ident;

/// A piece of an expression as the server prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'a> {
    /// A name or keyword: as written, and as it is called.
    Word(&'a str, String),
    /// A string constant, blanks, or one character of anything else.
    Other(&'a str),
}

/// The expression with the parent's name as a qualifier replaced by the partition's.
///
/// A schema called like the parent is told apart by what surrounds it: types follow `::`, tables FROM or JOIN, and
/// functions are followed by a parenthesis.
pub(crate) fn requalified(expression: &str, parent: &Ident, partition: &Ident) -> String {
    let all = tokens(expression);
    let solid: Vec<usize> = (0..all.len()).filter(|at| !is_blank(&all[*at])).collect();
    let mut text = String::with_capacity(expression.len());
    let mut reached = solid.iter().enumerate().peekable();
    for (at, token) in all.iter().enumerate() {
        let here = reached.next_if(|(_, index)| **index == at).map(|(nth, _)| nth);
        match token {
            Token::Word(_, name)
                if name == parent.as_str() && here.is_some_and(|nth| is_qualifier(&all, &solid, nth)) =>
            {
                text.push_str(&partition.to_string());
            }
            Token::Word(written, _) | Token::Other(written) => text.push_str(written),
        }
    }
    text
}

/// Whether the word is followed by a column, and not itself part of a longer name, a type or a table.
fn is_qualifier(all: &[Token<'_>], solid: &[usize], nth: usize) -> bool {
    let token = |nth: usize| solid.get(nth).and_then(|at| all.get(*at));
    let is = |nth: usize, written: &str| matches!(token(nth), Some(Token::Other(text)) if *text == written);
    let column = matches!(token(nth + 2), Some(Token::Word(..))) || is(nth + 2, "*");
    if !is(nth + 1, ".") || !column || is(nth + 3, "(") {
        return false;
    }
    let mut before = nth;
    while before > 0 && is(before - 1, "(") {
        before -= 1;
    }
    let Some(before) = before.checked_sub(1) else { return true };
    let in_from = matches!(token(before), Some(Token::Word(written, _)) if ["FROM", "JOIN"].contains(written));
    !(in_from || is(nth.saturating_sub(1), ".") || is(nth.saturating_sub(1), ":"))
}

fn is_blank(token: &Token<'_>) -> bool {
    matches!(token, Token::Other(text) if text.trim().is_empty())
}

fn tokens(mut rest: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => quoted(rest, '\''),
            '"' => quoted(rest, '"'),
            c if c.is_alphabetic() || c == '_' || !c.is_ascii() => rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()))
                .unwrap_or(rest.len()),
            c if c.is_ascii_digit() => {
                rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())
            }
            c => c.len_utf8(),
        };
        let (written, tail) = rest.split_at(length);
        tokens.push(match first {
            '"' => {
                let inner = written.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(written);
                Token::Word(written, inner.replace("\"\"", "\""))
            }
            c if c.is_alphabetic() || c == '_' || !c.is_ascii() => Token::Word(written, written.to_owned()),
            _ => Token::Other(written),
        });
        rest = tail;
    }
    tokens
}

/// The length of what begins with a quote. The server doubles quotes within, and escapes nothing.
fn quoted(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return at + c.len_utf8();
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_partition(expression: &str, parent: &str) -> String {
        requalified(expression, &Ident::new(parent), &Ident::new("New One"))
    }

    #[test]
    fn a_column_of_the_parent_becomes_one_of_the_partition() {
        for (expression, expected) in [
            ("(t.id = log.tenant)", "(t.id = \"New One\".tenant)"),
            (
                "(EXISTS ( SELECT 1\n FROM app.t WHERE (log.a = \"log\".\"B c\")))",
                "(EXISTS ( SELECT 1\n FROM app.t WHERE (\"New One\".a = \"New One\".\"B c\")))",
            ),
            ("log.*", "\"New One\".*"),
            ("(log.* IS NOT NULL)", "(\"New One\".* IS NOT NULL)"),
            ("(body <> 'log.tenant it''s log.x'::text)", "(body <> 'log.tenant it''s log.x'::text)"),
            ("(log = 1)", "(log = 1)"),
            ("(a.log.b = log_1.c)", "(a.log.b = log_1.c)"),
            ("log.f(log.a)", "log.f(\"New One\".a)"),
            ("(x)::log.mood", "(x)::log.mood"),
            ("( SELECT 1 FROM log.towns)", "( SELECT 1 FROM log.towns)"),
            (
                "( SELECT 1 FROM (log.towns a JOIN log.roads b ON ((a.id = log.id))))",
                "( SELECT 1 FROM (log.towns a JOIN log.roads b ON ((a.id = \"New One\".id))))",
            ),
            ("\"log\"\"\".a", "\"log\"\"\".a"),
            ("'never closed log.a", "'never closed log.a"),
        ] {
            assert_eq!(on_partition(expression, "log"), expected);
        }
    }

    #[test]
    fn names_that_need_quotes_are_found_by_what_they_are() {
        assert_eq!(on_partition("\"Lög \"\"x\"\"\".a", "Lög \"x\""), "\"New One\".a");
        assert_eq!(on_partition("größe.a", "größe"), "\"New One\".a");
        assert_eq!(on_partition("", "log"), "");
    }
}
