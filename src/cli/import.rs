//! `pgstrata import`: a policy for what is there.

use std::path::Path;

use pgstrata::catalog::{PLAIN_TABLE, Survey, SurveyScope, TableState, interruptible, take_survey};
use pgstrata::db::Env;
use pgstrata::plan::conversion_steps;
use pgstrata::report::import::{self, Draft};

use super::args::{ImportArgs, ImportFrom};
use super::door::Leaving;
use super::error::CommandError;
use super::exit::{Event, Events};
use super::files::{Mode, check_folder, read_at_most, write_atomically};
use super::inspect::unreadable;
use super::ui::Ui;
use super::{connect, paste, signals};

/// A configuration by hand is far below this.
const LARGEST: u64 = 4 << 20;
/// What every command takes for the policy when none is named.
const DEFAULT: &str = "pgstrata.yaml";

pub(super) fn run(args: &ImportArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    if let Some(path) = &args.out {
        check_folder(path)?;
        if path.is_file() && !args.force {
            let message = format!("{} is there already", path.display());
            return Err(CommandError::usage(message).hint("name another file, or replace it with --force"));
        }
    }
    let draft = match (args.from, &args.file) {
        (Some(tool), Some(file)) => from_file(tool, file, args)?,
        (Some(_) | None, _) => from_database(args, env, ui)?,
    };
    let file = paste::path(args.out.as_deref().unwrap_or(Path::new(DEFAULT)));
    let next = ["validate", "plan"].map(|command| ui.given.command(&format!("pgstrata {command} -p {file}")));
    let text = Leaving::text(&draft.to_yaml_with(&next), false);
    match &args.out {
        None => ui.result(&text)?,
        Some(path) => write_atomically(path, &text, Mode::Shared)?,
    }
    report(&draft, args.out.is_some().then_some(&next), ui);
    Ok(Events::new())
}

/// What is said beside the policy: the count, what was left out, what has to be done elsewhere, and what comes next.
fn report(draft: &Draft, next: Option<&[String; 2]>, ui: &Ui) {
    let skipped = draft.skipped().count();
    let tables = match draft.tables() {
        1 => "1 table".to_owned(),
        count => format!("{count} tables"),
    };
    let left = if skipped > 0 { format!(", {skipped} left out") } else { String::new() };
    ui.note(&format!("imported {tables}{left}"));
    for (name, why) in draft.skipped() {
        ui.note(&format!("left out {name}: {why}"));
    }
    for note in draft.notes() {
        ui.note(note);
    }
    if let Some([validate, plan]) = next {
        ui.note(&format!("next: {validate}"));
        ui.note(&format!("then: {plan}"));
    }
}

fn from_file(tool: ImportFrom, file: &Path, args: &ImportArgs) -> Result<Draft, CommandError> {
    let failed = |what: String| CommandError::new(Event::Config, format!("{}: {what}", file.display()));
    let bytes = read_at_most(file, LARGEST).map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| failed("not UTF-8".to_owned()))?;
    let name = file.display().to_string();
    let read = match tool {
        ImportFrom::Ppm => import::from_ppm(&name, &text),
        ImportFrom::PgPartsmith => import::from_pg_partsmith(&name, &text),
    };
    let draft = read.map_err(|error| failed(error.to_string()))?;
    let draft = draft.only(|name| (args.table.is_empty() || args.table.contains(name)) && !args.exclude.contains(name));
    // Named tables are wanted, each of them.
    if let Some(name) = args.table.iter().find(|name| !draft.has(name)) {
        return Err(nothing(&draft, &format!("{name} is not among what {file} says of tables", file = file.display())));
    }
    if draft.tables() > 0 {
        return Ok(draft);
    }
    Err(nothing(&draft, &format!("nothing in {name} can be imported")))
}

fn from_database(args: &ImportArgs, env: &Env, ui: &Ui) -> Result<Draft, CommandError> {
    let scope = SurveyScope {
        tables: args.table.iter().cloned().collect(),
        schemas: args.schema.iter().cloned().collect(),
        exclude: args.exclude.iter().cloned().collect(),
    };
    let stop = signals::install(ui)?;
    let connector = connect::connector_without_policy("import", &args.connect, env, &stop)?;
    let mut session = connect::session(&connector, &stop)?;
    let found = interruptible(&mut session, &stop, |session| take_survey(session, &scope))
        .map_err(|error| unreadable(&error, stop.signal()))?;
    drop(session);
    let draft = import::from_database(&found);
    // Named tables are wanted, each of them; what is listed by the way may be left out.
    if !args.table.is_empty()
        && let Some((name, why)) = draft.skipped().next()
    {
        return Err(refused(&found, name, why));
    }
    if draft.tables() > 0 {
        return Ok(draft);
    }
    let message = format!("{} has no partitioned table to import", found.snapshot.target);
    Err(nothing(&draft, &message).hint("what would partition a plain table: pgstrata import --table SCHEMA.NAME"))
}

/// A named table that cannot be imported; for a plain one what would make it one that can.
fn refused(found: &Survey, name: &str, why: &str) -> CommandError {
    let state = found.snapshot.catalog.tables.iter().find(|(table, _)| table.to_string() == name);
    let error = match why {
        PLAIN_TABLE => CommandError::error(format!("{name} is {why}: there is nothing to import")),
        _ => CommandError::error(format!("{name} cannot be imported: {why}")),
    };
    match state {
        Some((table, TableState::Unfit(what))) if what == PLAIN_TABLE => {
            let steps = (1..).zip(conversion_steps(table)).map(|(at, step)| format!("{at}. {step}"));
            steps.fold(error.hint("it can be partitioned while it is in use:"), CommandError::hint)
        }
        Some((table, TableState::Missing)) => match found.snapshot.catalog.similar.get(table) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error,
        },
        Some((_, TableState::Unfit(_) | TableState::Partitioned(_))) | None => error,
    }
}

fn nothing(draft: &Draft, message: &str) -> CommandError {
    let left = draft.skipped().map(|(name, why)| format!("left out {name}: {why}"));
    left.fold(CommandError::error(message), CommandError::hint)
}
