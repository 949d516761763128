//! Whether to colour, decided once from values, and handed to everything that draws.

use std::io::IsTerminal as _;

use clap::ValueEnum;
use pgstrata::db::Env;

/// `--color`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set; CLICOLOR_FORCE colours everything.
    #[default]
    Auto,
    /// Also in files and pipes.
    Always,
    /// Not at all.
    Never,
}

/// Whether each stream gets colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ColorChoice {
    /// The result.
    pub(super) stdout: bool,
    /// Progress, notes, diagnostics.
    pub(super) stderr: bool,
}

/// Which streams are terminals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terminals {
    pub(super) stdin: bool,
    pub(super) stdout: bool,
    pub(super) stderr: bool,
}

impl Terminals {
    #[allow(clippy::disallowed_methods, reason = "asks what the streams are")]
    pub(super) fn detect() -> Self {
        Self {
            stdin: std::io::stdin().is_terminal(),
            stdout: std::io::stdout().is_terminal(),
            stderr: std::io::stderr().is_terminal(),
        }
    }
}

impl ColorChoice {
    /// The flag, else NO_COLOR and CLICOLOR_FORCE (`no-color.org`, `bixense.com/clicolors`), else the terminals.
    pub(super) fn resolve(when: ColorWhen, env: &Env, terminals: Terminals) -> Self {
        let both = |colour| Self { stdout: colour, stderr: colour };
        match when {
            ColorWhen::Always => both(true),
            ColorWhen::Never => both(false),
            ColorWhen::Auto if env.non_empty("NO_COLOR").is_some() => both(false),
            ColorWhen::Auto if env.non_empty("CLICOLOR_FORCE").is_some_and(|force| force != "0") => both(true),
            ColorWhen::Auto if env.get("CLICOLOR") == Some("0") || env.get("TERM") == Some("dumb") => both(false),
            ColorWhen::Auto => Self { stdout: terminals.stdout, stderr: terminals.stderr },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_then_variables_then_terminal() {
        let tty = Terminals { stdin: true, stdout: false, stderr: true };
        for (when, env, stdout, stderr) in [
            (ColorWhen::Auto, vec![], false, true),
            (ColorWhen::Auto, vec![("TERM", "dumb")], false, false),
            (ColorWhen::Auto, vec![("CLICOLOR", "0")], false, false),
            (ColorWhen::Auto, vec![("NO_COLOR", "")], false, true),
            (ColorWhen::Auto, vec![("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false, false),
            (ColorWhen::Auto, vec![("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], true, true),
            (ColorWhen::Auto, vec![("CLICOLOR_FORCE", "0")], false, true),
            (ColorWhen::Always, vec![("NO_COLOR", "1")], true, true),
            (ColorWhen::Never, vec![("CLICOLOR_FORCE", "1")], false, false),
        ] {
            let choice = ColorChoice::resolve(when, &Env::from_map(env.clone()), tty);
            assert_eq!(choice, ColorChoice { stdout, stderr }, "{when:?} {env:?}");
        }
    }
}
