//! How text is laid out and coloured: a value, so that a pipe, a terminal and CI say the same in different clothes.

use std::fmt;

use crate::visible::clean;

/// How human output looks. What it says does not depend on it.
///
/// ```
/// use pgstrata::render::Style;
/// let terminal = Style { colour: true, width: Some(100), ..Style::PLAIN };
/// assert!(!terminal.verbose);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// ANSI colours.
    pub colour: bool,
    /// Columns to wrap prose at; `None` never wraps.
    pub width: Option<usize>,
    /// Each step by itself, with its SQL, locks, timeouts and facts.
    pub verbose: bool,
    /// `…` and `→`; else ASCII.
    pub unicode: bool,
}

impl Style {
    /// What a pipe gets.
    pub const PLAIN: Self = Self { colour: false, width: None, verbose: false, unicode: true };

    /// `text` in this paint, if there are colours.
    pub(crate) fn paint<T: fmt::Display>(self, paint: Paint, text: T) -> Painted<T> {
        Painted { paint: self.colour.then_some(paint), text }
    }

    pub(crate) fn dots(self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }

    pub(crate) fn arrow(self) -> &'static str {
        if self.unicode { "→" } else { "->" }
    }

    pub(crate) fn middot(self) -> &'static str {
        if self.unicode { "·" } else { "-" }
    }

    /// `text` as this style's terminal can show it.
    pub(crate) fn text(self, text: &str) -> String {
        let text = clean(text);
        if self.unicode {
            text.into_owned()
        } else {
            text.replace('…', "...").replace('→', "->").replace('·', "-")
        }
    }
}

impl Default for Style {
    fn default() -> Self {
        Self::PLAIN
    }
}

/// What a piece of text is, for colours (ECMA-48, select graphic rendition).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Plain,
    Bold,
    Dim,
    Added,
    Removed,
    Changed,
    Danger,
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Added => "32",
            Self::Removed => "31",
            Self::Changed => "33",
            Self::Danger => "1;31",
        }
    }
}

pub(crate) struct Painted<T> {
    paint: Option<Paint>,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.paint {
            Some(paint) => write!(f, "\x1b[{}m{}\x1b[0m", paint.code(), self.text),
            None => self.text.fmt(f),
        }
    }
}

/// Columns that a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// Breaks prose at blanks so that no line is longer than `width`; a word that is longer stays whole.
pub(crate) fn wrap(text: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width.map(|width| width.max(20)) else { return vec![text.to_owned()] };
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            line.push_str(word);
        } else if columns(line) + 1 + columns(word) <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_at_blanks() {
        let text = "one two three four five six seven";
        assert_eq!(wrap(text, Some(20)), ["one two three four", "five six seven"]);
        assert_eq!(wrap(text, None), [text]);
    }
}
