//! A command's output in every format that it has, each one checked.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::place::{Place, Ran, ran};
use super::{TestDb, server_binaries};

/// What a command can print.
fn formats(command: &str) -> &'static [&'static str] {
    match command {
        "plan" | "show" => &["human", "json", "markdown", "sql"],
        "apply" | "drift" => &["human", "json", "markdown"],
        other => panic!("{other} has no formats"),
    }
}

/// One run, in every format.
pub(crate) struct Shown {
    pub(crate) json: Value,
    pub(crate) human: String,
    pub(crate) markdown: String,
    pub(crate) sql: Option<String>,
    pub(crate) stderr: String,
}

/// Arguments that print JSON and write the other formats into files.
pub(crate) fn in_every_format<'a>(args: &[&'a str]) -> Vec<&'a str> {
    let mut all = args.to_vec();
    all.extend(["--format", "json", "--report", "human=out.human", "--report", "markdown=out.markdown"]);
    if formats(args[0]).contains(&"sql") {
        all.extend(["--report", "sql=out.sql"]);
    }
    all
}

/// What a run with [`in_every_format`] said: every text is valid, and none of it is on the other stream.
pub(crate) fn shown(place: &Place, command: &str, ran: Ran) -> Shown {
    let Ran { stdout, stderr } = ran;
    let json: Value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}\n{stdout}\n{stderr}"));
    assert_eq!(json["format_version"], "1.0", "{stdout}");
    assert!(!stderr.contains("\"format_version\""), "{stderr}");
    let (human, markdown) = (place.read("out.human"), place.read("out.markdown"));
    assert!(human.ends_with('\n') && !human.contains('\u{1b}') && !human.contains("error: pgstrata"), "{human}");
    // A saved plan shown is the plan that it was.
    let marker = if command == "show" { "plan" } else { command };
    assert!(markdown.starts_with(&format!("<!-- pgstrata:{marker} -->\n")), "{markdown}");
    assert!(markdown.len() < 65_536, "{}", markdown.len());
    let mut fence: Option<&str> = None;
    for line in markdown.lines() {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match fence {
            None if ticks.len() >= 3 => fence = Some(ticks),
            Some(open) if line.trim_end() == open => fence = None,
            Some(_) | None => {}
        }
    }
    assert_eq!(fence, None, "a fence stays open in\n{markdown}");
    let count = |tag: &str| markdown.matches(tag).count();
    assert_eq!(count("<details>"), count("</details>"), "{markdown}");
    let sql = formats(command).contains(&"sql").then(|| place.read("out.sql"));
    Shown { json, human, markdown, sql, stderr }
}

impl Place {
    /// Runs in every format, and checks the exit code and each text.
    pub(crate) fn shows(&self, args: &[&str], code: i32) -> Shown {
        let ran = self.run(&in_every_format(args), code);
        shown(self, args[0], ran)
    }

    /// A run that has nothing to show, in any format: neither on stdout nor in a file. Gives what stderr says.
    pub(crate) fn refuses(&self, args: &[&str], code: i32) -> String {
        self.refuses_with(args, code, &[])
    }

    /// The same with variables.
    pub(crate) fn refuses_with(&self, args: &[&str], code: i32, set: &[(&str, &str)]) -> String {
        let mut said = String::new();
        for format in formats(args[0]) {
            let report = format!("{format}=refused");
            let mut command = self.command(args);
            command.args(["--format", format, "--report", &report]).envs(set.iter().copied());
            let Ran { stdout, stderr } = ran(&mut command, code);
            assert_eq!(stdout, "", "{args:?} as {format}");
            assert!(!self.path("refused").exists(), "{args:?} as {format}");
            assert!(stderr.contains("error: "), "{args:?} as {format}: {stderr}");
            said = stderr;
        }
        said
    }
}

/// psql of the server under test, else the one on `PATH`; a server from a wheel comes without.
pub(crate) fn psql() -> Option<PathBuf> {
    let own = server_binaries().dir.join("psql");
    let on_path =
        std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    std::iter::once(own).chain(on_path.map(|dir| dir.join("psql"))).find(|file| file.is_file())
}

/// Runs a script as a person would.
pub(crate) fn run_psql(psql: &PathBuf, db: &TestDb, script: &str) -> Output {
    use std::io::Write as _;
    let mut child = Command::new(psql)
        .args(["-X", "-q", "-d", db.url()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}
