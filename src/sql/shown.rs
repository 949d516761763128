//! SQL as it is sent and shown: whatever texts of a policy or of the catalog stand in it, all of it can be seen, and no
//! line of it is a command to whatever shows it.
//!
//! Our own names and literals are written so by their types. Expressions of a policy, and those that the server prints (of
//! row security, of an index), bring names and literals of theirs; one pass over each statement writes these alike.

use std::borrow::Cow;

use super::literal::push_escape;
use crate::pg::unicode_identifier;
use crate::visible::{clean, hides, is_odd, marked};

/// The same statement (section 4.1): names as `U&"…"` and strings as `E'…'` where they need it, comments and the rest of
/// the text clean. Line breaks of its own stay.
pub(super) fn shown(sql: String) -> String {
    let hidden = sql.contains(|c: char| c != '\n' && hides(c)) || sql.contains("##[") || has_command(&sql);
    let broken = || Pieces { rest: &sql, before: ' ' }.any(|piece| piece.is_quoted() && piece.text().contains('\n'));
    let odd = hidden || (sql.contains('\n') && broken());
    if !odd {
        return sql;
    }
    Pieces { rest: &sql, before: ' ' }.fold(String::with_capacity(sql.len() + 64), |mut out, piece| {
        piece.write(&mut out);
        out
    })
}

fn has_command(sql: &str) -> bool {
    sql.lines().any(|line| line.trim_start().starts_with("::"))
}

/// A part of a statement, as it stands there.
enum Piece<'a> {
    /// `'…'`, where backslashes mean nothing.
    Plain(&'a str),
    /// `E'…'`
    Escapes(&'a str),
    /// `U&'…'`, `B'…'` and `X'…'`, none of which is ours, and what is never closed, which the server refuses.
    Other(&'a str),
    /// `"…"`
    Name(&'a str),
    /// `$tag$…$tag$`: the tag, and the body, which is SQL again.
    Dollar(&'a str, &'a str),
    /// `-- …` and `/* … */`
    Comment(&'a str),
    /// What is between these.
    Code(&'a str),
}

impl Piece<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Plain(text)
            | Self::Escapes(text)
            | Self::Other(text)
            | Self::Name(text)
            | Self::Dollar(_, text)
            | Self::Comment(text)
            | Self::Code(text) => text,
        }
    }

    fn is_quoted(&self) -> bool {
        match self {
            Self::Plain(_) | Self::Escapes(_) | Self::Other(_) | Self::Name(_) => true,
            // Its body may have lines of its own, with such strings in them.
            Self::Dollar(..) => true,
            Self::Comment(_) | Self::Code(_) => false,
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Plain(text) | Self::Escapes(text) | Self::Other(text) | Self::Name(text) if !is_odd(text) => {
                out.push_str(text);
            }
            Self::Plain(text) => {
                // `date'…'` is two words, `dateE'…'` would be one.
                if out.ends_with(|c: char| in_word(c)) {
                    out.push(' ');
                }
                out.push_str("E'");
                for (c, odd) in marked(inside(text)) {
                    match (odd, c) {
                        (true, c) => push_escape(out, c),
                        (false, '\\') => out.push_str("\\\\"),
                        (false, c) => out.push(c),
                    }
                }
                out.push('\'');
            }
            Self::Escapes(text) => {
                out.push_str(&text[..2]);
                let mut escaped = false;
                for (c, odd) in marked(inside(&text[1..])) {
                    match (odd, escaped) {
                        // A backslash before it would mean the character itself.
                        (true, true) => {
                            out.pop();
                            push_escape(out, c);
                        }
                        (true, false) => push_escape(out, c),
                        (false, _) => out.push(c),
                    }
                    escaped = c == '\\' && !escaped;
                }
                out.push('\'');
            }
            Self::Name(text) => {
                if out.ends_with(|c: char| in_word(c)) {
                    out.push(' ');
                }
                out.push_str(&unicode_identifier(&inside(text).replace("\"\"", "\"")));
            }
            // No such text is read by the server: it is refused.
            Self::Other(text) => out.push_str(&clean(text)),
            Self::Dollar(tag, body) => {
                out.push_str(tag);
                out.push_str(&shown((*body).to_owned()));
                out.push_str(tag);
            }
            Self::Comment(text) => {
                let lines: Vec<Cow<'_, str>> = text.split('\n').map(clean).collect();
                out.push_str(&lines.join("\n"));
            }
            Self::Code(text) => code(text, out),
        }
    }
}

/// Outside quotes white space is as good as any other; what else is hidden is nothing that the server reads, unless as
/// part of a name, which then has to be quoted.
fn code(text: &str, out: &mut String) {
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            let command = line.trim_start().starts_with("::");
            out.push(if command { ' ' } else { '\n' });
        }
        for (c, odd) in marked(line) {
            match (odd, c) {
                (true, '[') => out.push_str(" ["),
                (true, c) if c.is_whitespace() || c == '\u{b}' => out.push(' '),
                (true, c) => out.extend(c.escape_unicode()),
                (false, c) => out.push(c),
            }
        }
    }
}

/// What stands between the quotes.
fn inside(quoted: &str) -> &str {
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default()
}

fn in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii()
}

struct Pieces<'a> {
    rest: &'a str,
    /// The character before the rest.
    before: char,
}

impl<'a> Pieces<'a> {
    fn take(&mut self, bytes: usize) -> &'a str {
        let (piece, rest) = self.rest.split_at(bytes);
        self.before = piece.chars().next_back().unwrap_or(self.before);
        self.rest = rest;
        piece
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let mut before = self.before;
        for (at, c) in self.rest.char_indices() {
            let here = &self.rest[at..];
            if let Some((make, bytes)) = quoted(here, before) {
                // What comes before it comes first; then this again.
                if at > 0 {
                    return Some(Piece::Code(self.take(at)));
                }
                return Some(make(self.take(bytes)));
            }
            before = c;
        }
        Some(Piece::Code(self.take(self.rest.len())))
    }
}

type Make = fn(&str) -> Piece<'_>;

const OTHER: Make = |text| Piece::Other(text);

/// What begins here and is no code, and how long it is; one that never ends goes to the end.
fn quoted(text: &str, before: char) -> Option<(Make, usize)> {
    let begins_word = !in_word(before);
    let two = text.get(..2).unwrap_or_default();
    let three = text.get(..3).unwrap_or_default();
    let closed = |make: Make, letters: usize, end: Option<usize>| match end {
        Some(end) => Some((make, letters + end)),
        None => Some((OTHER, text.len())),
    };
    if begins_word && two.eq_ignore_ascii_case("e'") {
        return closed(|text| Piece::Escapes(text), 1, end_of_escapes(&text[1..]));
    }
    if begins_word && three.eq_ignore_ascii_case("u&'") {
        return closed(OTHER, 2, end_of(&text[2..], '\''));
    }
    if begins_word && three.eq_ignore_ascii_case("u&\"") {
        return closed(OTHER, 2, end_of(&text[2..], '"'));
    }
    if begins_word && ["b'", "x'"].iter().any(|letter| two.eq_ignore_ascii_case(letter)) {
        return closed(OTHER, 1, end_of(&text[1..], '\''));
    }
    match text.as_bytes().first()? {
        b'\'' => closed(|text| Piece::Plain(text), 0, end_of(text, '\'')),
        b'"' => closed(|text| Piece::Name(text), 0, end_of(text, '"')),
        b'-' if two == "--" => Some((|text| Piece::Comment(text), text.find('\n').unwrap_or(text.len()))),
        b'/' if two == "/*" => Some((|text| Piece::Comment(text), text.find("*/").map_or(text.len(), |end| end + 2))),
        b'$' if begins_word => {
            let tag_end = 1 + text[1..].find(|c: char| !(in_word(c) && c != '$'))?;
            let tag = text
                .get(..=tag_end)
                .filter(|tag| tag.ends_with('$') && !tag[1..].starts_with(|c: char| c.is_ascii_digit()))?;
            let end = text[tag.len()..].find(tag).map_or(text.len(), |end| end + 2 * tag.len());
            Some((dollar, end))
        }
        _ => None,
    }
}

fn dollar(text: &str) -> Piece<'_> {
    let tag = text[1..].find('$').map_or(text, |end| &text[..end + 2]);
    match text.get(tag.len()..text.len().saturating_sub(tag.len())) {
        Some(body) => Piece::Dollar(tag, body),
        None => Piece::Code(text),
    }
}

/// The length of what is quoted, the quotes with it; a doubled quote is one inside.
fn end_of(text: &str, quote: char) -> Option<usize> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return Some(at + 1);
        }
    }
    None
}

fn end_of_escapes(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '\'' if chars.next_if(|(_, next)| *next == '\'').is_none() => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_stays_as_it_is() {
        for sql in [
            "SELECT 1",
            "DO $pgstrata$\nBEGIN\n  IF a THEN 'x'; END IF; -- c\nEND\n$pgstrata$",
            "CREATE INDEX i ON t (lower(\"A\"), E'\\n' , $1, a$b$c, e'x''y', U&\"\\000A\")",
            "a::text /* x */ - -1 #> '{a}' ## b",
        ] {
            assert_eq!(shown(sql.to_owned()), sql);
        }
    }

    #[test]
    fn names_and_strings_keep_their_meaning() {
        for (sql, seen) in [
            ("a = 'x\ny\\\u{202e}it''s'", r"a = E'x\ny\\\u202Eit''s'"),
            ("date'\n'", r"date E'\n'"),
            ("e'a\\\n\x1b'", r"e'a\n\u001B'"),
            ("E'a\\\\\n'", r"E'a\\\n'"),
            ("\"a\"\"b\\\n\" = 1", r#"U&"a""b\\\000A" = 1"#),
            ("'##[x]' ##[1] \"##[\"", r###"E'##\u005Bx]' ## [1] U&"##\005B""###),
            ("a\n  ::text\n\u{a0}::int", "a   ::text \u{a0}::int"),
            ("a\t=\r\n1\u{202e}", "a = \n1\\u{202e}"),
            ("'::a'\n'::b'", "'::a'\n'::b'"),
            ("-- a\x1b\n::x /* \u{202e}\n::y */", "-- a\\u{1b} ::x /* \\u{202e}\n\\u{3a}:y */"),
            ("DO $p$\n SELECT 'a\n::b';\n$p$", "DO $p$\n SELECT E'a\\n::b';\n$p$"),
            ("'never\n ended", "'never\\u{a} ended"),
        ] {
            assert_eq!(shown(sql.to_owned()), seen, "{sql}");
            assert_eq!(shown(seen.to_owned()), seen, "once is enough");
        }
    }
}
