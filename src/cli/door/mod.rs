//! The one door: text leaves the program here, to stdout, stderr or a file, and nowhere else.
//!
//! What leaves is a [`Leaving`], and there is no other way to make one than to say what kind of text it is. Renderers write
//! names so that they can be seen; the door looks once more, for what a renderer has forgotten, and for what only comes
//! about by laying out (a `::` at the beginning of a wrapped line).

pub(super) mod files;

use std::io::{self, Write};

use pgstrata::render::clean;
use pgstrata::render::github::Annotation;

/// Text that may be written as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaving(String);

impl Leaving {
    /// One line of words: whatever stands in it, it stays one line.
    pub(super) fn line(text: &str) -> Self {
        Self(format!("{}\n", clean(text)))
    }

    /// Lines as a renderer laid them out; with `colour`, its colours are left, and nothing else that begins with ESC.
    pub(super) fn text(text: &str, colour: bool) -> Self {
        let mut out = String::with_capacity(text.len());
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                out.push('\n');
            }
            seen(line, colour, &mut out);
        }
        Self(out)
    }

    /// A script: as text, but that a `::` of SQL keeps its meaning.
    pub(super) fn sql(text: &str) -> Self {
        let line = |line: &str| match line.trim_start().strip_prefix("::") {
            Some(rest) => format!("/**/::{}", clean(rest)),
            None => clean(line).into_owned(),
        };
        Self(text.split('\n').map(line).collect::<Vec<_>>().join("\n"))
    }

    /// A JSON document of the library's, which writes what cannot be seen as `\u202e`.
    pub(super) fn json(text: String) -> Self {
        Self(text)
    }

    /// What is made from this program alone: help, manual pages, completions, schemas.
    pub(super) fn own(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What follows, in the same breath.
    pub(super) fn then(mut self, other: &Self) -> Self {
        self.0.push_str(&other.0);
        self
    }

    fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    #[cfg(test)]
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The only line that may begin with `::`: it is made as one, its data escaped as GitHub says.
impl From<&Annotation> for Leaving {
    fn from(annotation: &Annotation) -> Self {
        Self(format!("{annotation}\n"))
    }
}

/// A line with everything in it to be seen, but for colours.
fn seen(line: &str, colour: bool, out: &mut String) {
    let mut rest = line;
    let mut begun = false;
    while let Some(at) = rest.find('\x1b').filter(|_| colour) {
        let Some(code) = colour_code(&rest[at..]) else { break };
        words(&rest[..at], &mut begun, out);
        out.push_str(&rest[at..at + code]);
        rest = &rest[at + code..];
    }
    words(rest, &mut begun, out);
}

/// What stands between two colours: only at the line's beginning is `::` a command.
fn words(text: &str, begun: &mut bool, out: &mut String) {
    if *begun {
        // A letter in front, and none of it out.
        out.push_str(&clean(&format!("x{text}"))[1..]);
    } else {
        out.push_str(&clean(text));
    }
    *begun |= !text.trim().is_empty();
}

/// The length of a select graphic rendition (ECMA-48) of those that ours, clap's and miette's are: none conceals.
fn colour_code(text: &str) -> Option<usize> {
    let end = text.strip_prefix("\x1b[")?.find('m')? + 2;
    let known = |code: &str| matches!(code.parse(), Ok(0_u8..=4 | 22..=24 | 30..=37 | 39 | 90..=97));
    text.get(2..end)?.split(';').all(known).then_some(end + 1)
}

/// Writes to stdout, at once.
#[allow(clippy::disallowed_methods, reason = "this is the door")]
pub(super) fn stdout(text: &Leaving) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.bytes()).and_then(|()| stdout.flush())
}

/// Writes to stderr. Nobody may be there to read it, which is no reason to stop.
#[allow(clippy::disallowed_methods, reason = "this is the door")]
pub(super) fn stderr(text: &Leaving) {
    drop(io::stderr().lock().write_all(text.bytes()));
}

/// Stdout for who tells a long story line by line.
#[cfg(feature = "sandbox")]
#[derive(Debug)]
pub(super) struct Teller {
    colour: bool,
    line: Vec<u8>,
}

#[cfg(feature = "sandbox")]
impl Teller {
    pub(super) fn new(colour: bool) -> Self {
        Self { colour, line: Vec::new() }
    }
}

#[cfg(feature = "sandbox")]
impl Write for Teller {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        if let Some(end) = self.line.iter().rposition(|byte| *byte == b'\n') {
            let whole: Vec<u8> = self.line.drain(..=end).collect();
            stdout(&Leaving::text(&String::from_utf8_lossy(&whole), self.colour))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.line);
        stdout(&Leaving::text(&String::from_utf8_lossy(&rest), self.colour))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_renderer_forgot_is_seen_at_the_door() {
        for (text, colour, seen) in [
            ("a\n  ::error ::x\n", false, "a\n  \\u{3a}:error ::x\n"),
            ("\x1b[1mbold\x1b[0m ##[x]", true, "\x1b[1mbold\x1b[0m ##\\u{5b}x]"),
            ("\x1b[1mbold\x1b[0m", false, "\\u{1b}[1mbold\\u{1b}[0m"),
            ("\x1b[31m::error", true, "\x1b[31m\\u{3a}:error"),
            ("\x1b[31mname\x1b[0m::text", true, "\x1b[31mname\x1b[0m::text"),
            ("\x1b[8mhidden\x1b[2J", true, "\\u{1b}[8mhidden\\u{1b}[2J"),
            ("\x1b[31m a \x1b]0;title\x07", true, "\x1b[31m a \\u{1b}]0;title\\u{7}"),
        ] {
            assert_eq!(Leaving::text(text, colour).as_str(), seen, "{text:?}");
        }
        assert_eq!(Leaving::line("a\nb").as_str(), "a\\u{a}b\n");
        assert_eq!(Leaving::sql("SELECT a\n  ::text;\n\x1b").as_str(), "SELECT a\n/**/::text;\n\\u{1b}");
    }

    /// `clippy.toml` bans both streams; this says where the ban is lifted.
    #[test]
    #[allow(clippy::disallowed_methods, reason = "reads the program's own text")]
    fn nothing_else_writes() {
        let cli = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli");
        let mut folders = vec![cli.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                let name = path.strip_prefix(&cli).unwrap().display().to_string();
                if name == "door/mod.rs" || !name.ends_with(".rs") {
                    continue;
                }
                for line in text.lines().filter(|line| line.contains("stdout()") || line.contains("stderr()")) {
                    assert!(line.contains("is_terminal()") || line.contains("columns(&"), "{name}: {line}");
                }
                for macro_of_std in ["println!(", "eprintln!(", "print!(", "eprint!("] {
                    assert!(!text.contains(macro_of_std), "{name}: {macro_of_std}");
                }
            }
        }
    }
}
