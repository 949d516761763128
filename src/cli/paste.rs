//! Commands of ours that are printed to be pasted: what was given is given again, and nothing that was not. Each of them
//! goes through here: as a hint or note that [`Given::completed`] completes where it is printed, or built whole.

use std::borrow::Cow;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Command, CommandFactory as _};
use pgstrata::db::carries_password;
use pgstrata::render::clean;

use super::args::Cli;

/// What every command that takes it is given again: which policy, which database, and where changes are written down.
const PLACE: [&str; 5] = ["policy", "env", "policy_env", "url", "journal"];
/// What also makes the same plan.
const PLANNED: [&str; 7] = ["table", "exclude", "no_probe", "allow", "max_drop", "lock_timeout", "lock_retries"];
/// What also carries out a saved plan in the same way.
const CARRIED: [&str; 6] = ["allow", "max_drop", "lock_timeout", "lock_retries", "jobs", "run_lock_wait"];

/// A URL with a password is not repeated.
const UNTOLD_URL: &str = "\"$PGSTRATA_URL\"";
/// What is said beside a command that leaves a password out.
pub(super) const SET_THE_URL: &str = "the URL has a password, which is not repeated: set PGSTRATA_URL to the URL first";

/// Whether a variable has to be set for a command of ours.
pub(super) fn needs_url(command: &str) -> bool {
    command.contains(&format!("--url {UNTOLD_URL}"))
}

/// What stood on the command line, and did not come from a variable or a default.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    /// The command, as in `partition create`.
    names: Vec<String>,
    args: Vec<GivenArg>,
}

/// One argument, with all its values.
#[derive(Clone, Debug)]
struct GivenArg {
    id: String,
    /// `-p` or `--url`; what has none is told by its position.
    flag: Option<String>,
    /// For a value that looks like a flag.
    long: Option<String>,
    /// `None` of a flag that takes none.
    values: Option<Vec<String>>,
}

impl GivenArg {
    fn of(arg: &clap::Arg, matches: &ArgMatches) -> Self {
        let id = arg.get_id().as_str();
        let long = arg.get_long().map(|long| format!("--{long}"));
        let flag = if id == "policy" { Some("-p".to_owned()) } else { long.clone() };
        let takes = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
        let values = matches.get_raw(id).into_iter().flatten();
        let values = takes.then(|| values.map(|value| value.to_string_lossy().into_owned()).collect());
        Self { id: id.to_owned(), flag, long, values }
    }

    /// As words of a shell.
    fn words(&self) -> Vec<String> {
        let Self { id, flag, long, values } = self;
        let Some(values) = values else { return flag.iter().cloned().collect() };
        let word = |value: &String| match (flag, long) {
            (Some(flag), _) if id == "url" && carries_password(value) => vec![flag.clone(), UNTOLD_URL.to_owned()],
            // It would be taken for a flag.
            (Some(_), Some(long)) if value.starts_with('-') => vec![shell(&format!("{long}={value}"))],
            (Some(flag), _) => vec![flag.clone(), shell(value)],
            (None, _) => vec![shell(value)],
        };
        values.iter().flat_map(word).collect()
    }
}

impl Given {
    /// Of the matches of the whole command line.
    pub(super) fn of(mut command: &Command, mut matches: &ArgMatches) -> Self {
        let mut names = Vec::new();
        while let Some((name, below)) = matches.subcommand() {
            let Some(sub) = command.find_subcommand(name) else { break };
            names.push(name.to_owned());
            (command, matches) = (sub, below);
        }
        let is_given = |arg: &&clap::Arg| {
            let id = arg.get_id().as_str();
            matches.ids().any(|known| known == id) && matches.value_source(id) == Some(ValueSource::CommandLine)
        };
        let args = command.get_arguments().filter(is_given).map(|arg| GivenArg::of(arg, matches)).collect();
        Self { names, args }
    }

    /// The same command, with one more flag.
    pub(super) fn again(&self, flag: &str) -> String {
        let mut words = vec!["pgstrata".to_owned()];
        words.extend(self.names.iter().cloned());
        let (flags, positional): (Vec<_>, Vec<_>) = self.args.iter().partition(|arg| arg.flag.is_some());
        let positional: Vec<String> = positional.into_iter().flat_map(GivenArg::words).collect();
        let is_odd = positional.iter().any(|word| word.trim_start_matches(['\'', '$']).starts_with('-'));
        words.extend(positional.iter().filter(|_| !is_odd).cloned());
        words.extend(flags.into_iter().flat_map(GivenArg::words));
        words.push(flag.to_owned());
        if is_odd {
            words.push("--".to_owned());
            words.extend(positional);
        }
        words.join(" ")
    }

    /// The same plan into a file, and the file carried out.
    pub(super) fn by_review(&self) -> [String; 2] {
        [("pgstrata plan --out plan.json", &PLANNED[..]), ("pgstrata apply plan.json", &CARRIED)]
            .map(|(command, also)| self.with(command, &[&PLACE[..], also].concat()))
    }

    /// A command of ours, with policy and database as they were given.
    pub(super) fn command(&self, command: &str) -> String {
        self.with(command, &PLACE)
    }

    /// The flags alone that [`Self::command`] adds.
    pub(super) fn flags(&self, command: &str) -> Vec<String> {
        self.lacking(command, &PLACE)
    }

    /// Words with commands of ours in them, each completed: one in backquotes, or one that begins the words or follows a
    /// colon and ends them.
    pub(super) fn completed<'a>(&self, text: &'a str) -> Cow<'a, str> {
        const NAME: &str = "pgstrata ";
        if !text.contains(NAME) {
            return Cow::Borrowed(text);
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(NAME) {
            out.push_str(&rest[..at]);
            let from = &rest[at..];
            let end = match () {
                () if out.ends_with('`') => from.find('`').unwrap_or(from.len()),
                () if out.is_empty() || out.ends_with(": ") => from.len(),
                () => NAME.len(),
            };
            out.push_str(&if end > NAME.len() { self.command(&from[..end]) } else { NAME.to_owned() });
            rest = &from[end..];
        }
        out.push_str(rest);
        Cow::Owned(out)
    }

    fn with(&self, command: &str, ids: &[&str]) -> String {
        let words = std::iter::once(command.to_owned()).chain(self.lacking(command, ids));
        words.collect::<Vec<_>>().join(" ")
    }

    /// The flags of these that the command takes, has not, and that do not contradict what it has.
    fn lacking(&self, command: &str, ids: &[&str]) -> Vec<String> {
        let root = Cli::command();
        let mut taking = &root;
        let mut words = command.split_ascii_whitespace().skip(1).peekable();
        while let Some(sub) = words.peek().and_then(|word| taking.find_subcommand(word)) {
            (taking, _) = (sub, words.next());
        }
        let has = |arg: &&clap::Arg| {
            let long = arg.get_long().map(|long| format!("--{long}"));
            let short = arg.get_short().map(|short| format!("-{short}"));
            words.clone().any(|word| {
                let flag = word.split_once('=').map_or(word, |(flag, _)| flag);
                [&long, &short].into_iter().any(|name| name.as_deref() == Some(flag))
            })
        };
        let present: Vec<&clap::Arg> = taking.get_arguments().filter(has).collect();
        let fits = |id: &str| {
            let Some(arg) = taking.get_arguments().find(|arg| arg.get_id() == id) else { return false };
            !present.iter().any(|other| {
                let against = |one, other: &clap::Arg| {
                    taking.get_arg_conflicts_with(one).iter().any(|found| found.get_id() == other.get_id())
                };
                other.get_id() == id || against(arg, other) || against(other, arg)
            })
        };
        let lacking = self.args.iter().filter(|arg| ids.contains(&arg.id.as_str()) && fits(&arg.id));
        lacking.flat_map(GivenArg::words).collect()
    }
}

/// A path, never mistaken for a flag.
pub(super) fn path(path: &Path) -> String {
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
    use crate::cli::parse::parse;
    use pgstrata::db::Env;

    fn given(args: &[&str], env: &[(&str, &str)]) -> Given {
        let all: Vec<std::ffi::OsString> = ["pgstrata"].iter().chain(args).map(Into::into).collect();
        parse(&all, &Env::from_map(env.iter().copied())).unwrap().given
    }

    /// What `plan --out` says to paste.
    fn pasted(args: &[&str], env: &[(&str, &str)]) -> String {
        let given = given(&[&["plan"], args].concat(), env);
        let out = given.args.iter().find(|arg| arg.id == "out").and_then(|arg| arg.values.clone()).unwrap();
        given.command(&format!("pgstrata apply {}", path(Path::new(&out[0]))))
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
            assert_eq!((paste.as_str(), needs_url(&paste)), (expected, false), "{args:?}");
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
            assert_eq!((paste.as_str(), needs_url(&paste)), ("pgstrata apply p --url \"$PGSTRATA_URL\"", true));
        }
        let env = [("PGSTRATA_URL", "postgres://a:b@c/d"), ("PGSTRATA_POLICY", "x.yaml"), ("PGSTRATA_ENV", "prod")];
        assert_eq!(pasted(&["-o", "p"], &env), "pgstrata apply p");
        assert_eq!(pasted(&["-o", "p", "-p", "y.yaml"], &env), "pgstrata apply p -p y.yaml");
    }

    #[test]
    fn the_same_command_is_the_same_command_with_the_flag() {
        for (args, expected) in [
            (&["apply"][..], "pgstrata apply --auto-approve"),
            (&["apply", "--table", "a.b", "--allow=deletes-data:a.b", "--jobs", "2", "-p", "x y"], ""),
            (&["unhold", "-p", "h.yaml", "n", "--journal", "k.log"], ""),
            (&["partition", "create", "-q", "--policy-env", "HOST", "--exclude", "a.\"B c\""], ""),
            (&["optimize", "maintenance", "a.b", "--url", "host=h", "--no-probe"], ""),
            (&["unhold", "--", "-n"], "pgstrata unhold --auto-approve -- -n"),
        ] {
            let again = given(args, &[("PGSTRATA_ENV", "prod"), ("PGSTRATA_JOBS", "3")]).again("--auto-approve");
            assert!(expected.is_empty() || again == expected, "{again}");
            // What it says is what was given.
            let words = shlex(&again);
            let flag = given(&words[1..].iter().map(String::as_str).collect::<Vec<_>>(), &[]);
            let mut first = given(args, &[]);
            first.args.push(GivenArg {
                id: "auto_approve".to_owned(),
                flag: Some("--auto-approve".to_owned()),
                long: None,
                values: None,
            });
            let sorted = |given: &Given| {
                let mut all: Vec<_> = given.args.iter().map(|arg| (arg.id.clone(), arg.values.clone())).collect();
                all.sort();
                (given.names.clone(), all)
            };
            assert_eq!(sorted(&flag), sorted(&first), "{again}");
        }
    }

    /// Words as a shell reads them: blanks part, single quotes keep.
    fn shlex(text: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quoted = false;
        for c in text.chars() {
            match c {
                '\'' => quoted = !quoted,
                ' ' if !quoted => words.push(String::new()),
                c => words.last_mut().unwrap().push(c),
            }
        }
        words
    }

    #[test]
    fn each_command_is_given_what_it_takes() {
        let given = given(
            &[
                "apply",
                "-p",
                "x",
                "--env",
                "e",
                "--policy-env",
                "V",
                "--url",
                "host=h",
                "--journal",
                "j",
                "--table",
                "a.b",
            ],
            &[],
        );
        for (text, expected) in [
            ("no command", "no command"),
            (
                "make it: pgstrata plan --out p",
                "make it: pgstrata plan --out p -p x --env e --policy-env V --url host=h",
            ),
            ("pgstrata plan -p y", "pgstrata plan -p y --env e --policy-env V --url host=h"),
            ("pgstrata apply p", "pgstrata apply p -p x --env e --policy-env V --url host=h --journal j"),
            ("see `pgstrata validate` for it", "see `pgstrata validate -p x --env e --policy-env V` for it"),
            ("with: pgstrata plan --snapshot f", "with: pgstrata plan --snapshot f -p x --env e --policy-env V"),
            ("it: pgstrata import --out f", "it: pgstrata import --out f --url host=h"),
            ("show it: pgstrata show p", "show it: pgstrata show p"),
            ("this pgstrata reads it", "this pgstrata reads it"),
        ] {
            assert_eq!(given.completed(text), expected);
        }
        let [plan, apply] = given.by_review();
        assert!(plan.ends_with("--table a.b") || plan.contains(" --table a.b "), "{plan}");
        assert!(!apply.contains("--table") && apply.contains("--journal j"), "{apply}");
    }
}
