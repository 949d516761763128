//! The command to paste after `plan --out`: what was given to plan is given again, and nothing that was not.

use std::path::Path;

use clap::ArgMatches;
use clap::parser::ValueSource;
use pgstrata::db::carries_password;
use pgstrata::render::clean;

use super::args::PlanArgs;

/// What stood on the command line, and did not come from a variable or a default.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Given {
    policy: bool,
    env: bool,
    url: bool,
}

impl Given {
    /// Of the matches of `plan`.
    pub(super) fn of(matches: &ArgMatches) -> Self {
        let given = |name: &str| matches.value_source(name) == Some(ValueSource::CommandLine);
        Self { policy: given("policy"), env: given("env"), url: given("url") }
    }
}

/// A command, and whether a variable has to be set for it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Paste {
    pub(super) command: String,
    /// The URL has a password, which is not repeated.
    pub(super) needs_url: bool,
}

/// `pgstrata apply FILE` with the flags that name policy, environment and database.
pub(super) fn apply(file: &Path, args: &PlanArgs) -> Paste {
    let mut words = vec!["pgstrata".to_owned(), "apply".to_owned(), path(file)];
    let PlanArgs { policy, source, given, .. } = args;
    if given.policy {
        words.extend(policy.policy.iter().flat_map(|named| ["-p".to_owned(), path(named)]));
    }
    if let Some(name) = policy.env.as_deref().filter(|_| given.env) {
        // One that begins with a dash would be taken for a flag.
        match name.starts_with('-') {
            true => words.push(shell(&format!("--env={name}"))),
            false => words.extend(["--env".to_owned(), shell(name)]),
        }
    }
    let mut needs_url = false;
    if let Some(url) = source.connect.url.as_deref().filter(|_| given.url) {
        needs_url = carries_password(url);
        words.extend(["--url".to_owned(), if needs_url { "\"$PGSTRATA_URL\"".to_owned() } else { shell(url) }]);
    }
    Paste { command: words.join(" "), needs_url }
}

/// A path, never mistaken for a flag.
fn path(path: &Path) -> String {
    let text = path.to_string_lossy();
    shell(&if text.starts_with('-') { format!("./{text}") } else { text.into_owned() })
}

/// One word of a POSIX shell. Control characters, which a terminal would obey, are written as bash, zsh and ksh read them.
pub(super) fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    // What leaves as an escape on a terminal would not be pasted as itself.
    let hidden = |c: char| c.is_control() || clean(c.encode_utf8(&mut [0; 4])) != c.to_string();
    if !word.chars().any(hidden) {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    let mut text = "$'".to_owned();
    for c in word.chars() {
        match c {
            '\'' | '\\' => text.extend(['\\', c]),
            c if hidden(c) => {
                let mut bytes = [0; 4];
                c.encode_utf8(&mut bytes).bytes().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
            }
            c => text.push(c),
        }
    }
    text + "'"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Cli, Command};
    use crate::cli::parse::parse;
    use pgstrata::db::Env;

    fn pasted(args: &[&str], env: &[(&str, &str)]) -> Paste {
        let all: Vec<std::ffi::OsString> = ["pgstrata", "plan"].iter().chain(args).map(Into::into).collect();
        let Cli { command: Command::Plan(args), .. } = parse(&all, &Env::from_map(env.iter().copied())).unwrap() else {
            panic!("plan")
        };
        apply(args.out.as_deref().unwrap(), &args)
    }

    #[test]
    fn what_was_given_is_given_again_quoted_for_a_shell() {
        for (args, expected) in [
            (&["--out", "p.json"][..], "pgstrata apply p.json"),
            (&["-p", "a.yaml", "--policy=b c", "-o", "x/p.json"], "pgstrata apply x/p.json -p a.yaml -p 'b c'"),
            (&["--env", "prod", "-o", "it's.json"], r"pgstrata apply 'it'\''s.json' --env prod"),
            (&["--env=-x y", "-o", "p"], "pgstrata apply p '--env=-x y'"),
            (&["--out=-p.json"], "pgstrata apply ./-p.json"),
            (&["-o", "a\nb"], r"pgstrata apply $'a\x0ab'"),
            (&["-o", "a\u{202e}b"], r"pgstrata apply $'a\xe2\x80\xaeb'"),
            (
                &["-o", "p", "--url", "postgres://ana@db1/app?sslmode=require"],
                "pgstrata apply p --url 'postgres://ana@db1/app?sslmode=require'",
            ),
            (&["-o", "p", "--url", "host=db1 dbname=app"], "pgstrata apply p --url 'host=db1 dbname=app'"),
            (&["-o", "p", "--lock-timeout", "5s", "--allow", "deletes-data"], "pgstrata apply p"),
        ] {
            let paste = pasted(args, &[]);
            assert_eq!((paste.command.as_str(), paste.needs_url), (expected, false), "{args:?}");
        }
    }

    #[test]
    fn no_password_and_nothing_of_the_environment_is_repeated() {
        for url in [
            "postgres://ana:hunter2@db1/app",
            "host=db1 password=hunter2",
            "postgres://db1/app?password=hunter2",
            "password='hunter2",
        ] {
            let paste = pasted(&["-o", "p", "--url", url], &[]);
            assert_eq!((paste.command.as_str(), paste.needs_url), ("pgstrata apply p --url \"$PGSTRATA_URL\"", true));
        }
        let env = [("PGSTRATA_URL", "postgres://a:b@c/d"), ("PGSTRATA_POLICY", "x.yaml"), ("PGSTRATA_ENV", "prod")];
        assert_eq!(pasted(&["-o", "p"], &env).command, "pgstrata apply p");
        assert_eq!(pasted(&["-o", "p", "-p", "y.yaml"], &env).command, "pgstrata apply p -p y.yaml");
    }
}
