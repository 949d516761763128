//! What is said where: the result on stdout, everything else on stderr.

use std::io::{self, ErrorKind};

use pgstrata::db::Env;
use pgstrata::render::{Style, clean};
use terminal_size::{Width, terminal_size_of};

use super::args::GlobalArgs;
use super::colour::{ColorChoice, Terminals};
use super::door::{self, Leaving};
use super::error::CommandError;
use super::paste::{Given, SET_THE_URL, needs_url};

/// Diagnostics are laid out for this width where there is no terminal.
const WIDTH_OF_FILES: usize = 100;

/// How and where to talk, decided once.
#[derive(Debug, Clone)]
pub(super) struct Ui {
    pub(super) colour: ColorChoice,
    pub(super) terminals: Terminals,
    pub(super) verbose: bool,
    pub(super) quiet: bool,
    unicode: bool,
    pub(super) given: Given,
}

impl Ui {
    pub(super) fn new(args: &GlobalArgs, given: Given, env: &Env) -> Self {
        let terminals = Terminals::detect();
        let GlobalArgs { color, verbose, quiet } = args;
        Self {
            colour: ColorChoice::resolve(*color, env, terminals),
            terminals,
            verbose: *verbose,
            quiet: *quiet,
            unicode: speaks_utf8(env),
            given,
        }
    }

    /// How human output on stdout looks.
    pub(super) fn style(&self) -> Style {
        #[allow(clippy::disallowed_methods, reason = "asks the terminal how wide it is")]
        let width = self.terminals.stdout.then(|| columns(&io::stdout())).flatten();
        // A file has the same bytes whoever writes it.
        Style {
            colour: self.colour.stdout,
            width,
            verbose: self.verbose,
            unicode: self.unicode || !self.terminals.stdout,
        }
    }

    /// The same on stderr.
    pub(super) fn style_of_notes(&self) -> Style {
        #[allow(clippy::disallowed_methods, reason = "asks the terminal how wide it is")]
        let width = self.terminals.stderr.then(|| columns(&io::stderr())).flatten();
        Style {
            colour: self.colour.stderr,
            width,
            verbose: self.verbose,
            unicode: self.unicode || !self.terminals.stderr,
        }
    }

    /// Columns for diagnostics on stderr.
    pub(super) fn width_of_notes(&self) -> usize {
        self.style_of_notes().width.unwrap_or(WIDTH_OF_FILES)
    }

    /// The result. A reader that has gone, such as `head`, has seen enough.
    pub(super) fn result(&self, text: &Leaving) -> Result<(), CommandError> {
        match door::stdout(text) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(CommandError::error(format!("the result could not be written: {error}"))),
        }
    }

    /// Something good to know; not with `-q`. A command in it is completed with what was given.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            let text = self.given.completed(text);
            if needs_url(&text) {
                self.say(&Leaving::line(&format!("pgstrata: {SET_THE_URL}")));
            }
            self.say(&Leaving::line(&format!("pgstrata: {text}")));
        }
    }

    /// A command to copy, alone on its line; not with `-q`.
    pub(super) fn command(&self, text: &str) {
        if !self.quiet {
            self.say(&Leaving::line(text));
        }
    }

    /// SQL that is being sent, line by line; with `-v` only, and not with `-q`.
    pub(super) fn sql(&self, head: &str, sql: &str) {
        if self.verbose && !self.quiet {
            self.say(&Leaving::text(&format!("pgstrata: {}: {sql}\n", clean(head)), false));
        }
    }

    /// Something to act on; also with `-q`.
    pub(super) fn warn(&self, text: &str) {
        let word = if self.colour.stderr { "\x1b[33mwarning:\x1b[0m" } else { "warning:" };
        self.say(&Leaving::text(&format!("pgstrata: {word} {}\n", clean(text)), self.colour.stderr));
    }

    /// Why the command ends. A command in a hint is completed with what was given.
    pub(super) fn error(&self, error: &CommandError) {
        let (red, cyan, plain) = if self.colour.stderr { ("\x1b[1;31m", "\x1b[36m", "\x1b[0m") } else { ("", "", "") };
        let report = error.report.as_ref();
        let report = report.map_or_else(|| Leaving::own(""), |report| report.clone().then(&Leaving::own("\n")));
        let mut text = String::new();
        let width = self.style_of_notes().width;
        let message = hanging("pgstrata: error: ", &clean(&error.message), width);
        text.push_str(&format!("pgstrata: {red}error:{plain} {message}\n"));
        let mut hints: Vec<_> = error.hints.iter().map(|hint| self.given.completed(hint)).collect();
        if hints.iter().any(|hint| needs_url(hint)) {
            hints.push(SET_THE_URL.into());
        }
        for hint in &hints {
            // A command is copied whole.
            let is_command = hint.contains("pgstrata ") || ["mkdir ", "mv "].iter().any(|word| hint.starts_with(word));
            let hint = hanging("hint: ", &clean(hint), width.filter(|_| !is_command));
            text.push_str(&format!("{cyan}hint:{plain} {hint}\n"));
        }
        self.say(&report.then(&Leaving::text(&text, self.colour.stderr)));
    }

    /// Text on stderr.
    pub(super) fn say(&self, text: &Leaving) {
        door::stderr(text);
    }
}

/// Prose behind a label, broken at blanks and indented below it; lines of its own stay.
fn hanging(label: &str, text: &str, width: Option<usize>) -> String {
    const HANG: usize = 6;
    let Some(width) = width.filter(|width| *width >= 40) else { return text.to_owned() };
    let mut out = String::new();
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        let mut used = if at == 0 { label.len() } else { 0 };
        for (at, word) in line.split(' ').enumerate() {
            let columns = word.chars().count();
            if at > 0 && used + 1 + columns > width {
                out.push_str(&format!("\n{:HANG$}", ""));
                used = HANG;
            } else if at > 0 {
                out.push(' ');
                used += 1;
            }
            out.push_str(word);
            used += columns;
        }
    }
    out
}

fn columns(stream: &impl std::os::fd::AsFd) -> Option<usize> {
    terminal_size_of(stream).map(|(Width(columns), _)| usize::from(columns)).filter(|columns| *columns > 0)
}

/// By the locale's variables, in the order of their weight; where none is set, as terminals are.
fn speaks_utf8(env: &Env) -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| env.non_empty(name)).is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_hangs_under_itself() {
        let text = "one two three four five six seven eight nine ten eleven twelve";
        assert_eq!(hanging("hint: ", text, None), text);
        assert_eq!(
            hanging("hint: ", text, Some(50)),
            "one two three four five six seven eight nine\n      ten eleven twelve"
        );
        assert_eq!(hanging("hint: ", text, Some(20)), text, "too narrow for a column of prose");
    }

    #[test]
    fn the_locale_says_whether_dots_are_three() {
        for (env, utf8) in [
            (vec![], true),
            (vec![("LANG", "de_DE.UTF-8")], true),
            (vec![("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")], false),
            (vec![("LC_ALL", ""), ("LC_CTYPE", "C.utf8"), ("LANG", "C")], true),
        ] {
            assert_eq!(speaks_utf8(&Env::from_map(env.clone())), utf8, "{env:?}");
        }
    }
}
