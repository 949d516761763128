//! The policy as the flags name it.

use std::io::ErrorKind;
use std::path::Path;

use pgstrata::db::Env;
use pgstrata::policy::{self, Desired, Policy, PolicyError, Source, SourceMap, VERSION};

use super::args::PolicyArgs;
use super::diagnostics;
use super::door::Leaving;
use super::error::CommandError;
use super::exit::Event;
use super::files::{policies_in, read_at_most};
use super::paste;
use super::ui::Ui;

/// Beyond what the policy language takes, so that its own message tells the limit.
const LARGEST: u64 = 4 << 20;

/// Where it is, unless a flag says otherwise.
const DEFAULT: &str = "pgstrata.yaml";

/// A policy that is valid.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) sources: Vec<Source>,
    pub(super) places: SourceMap,
    pub(super) policy: Policy,
    pub(super) desired: Desired,
}

/// Reads, checks and resolves the policy.
pub(super) fn load(args: &PolicyArgs, env: &Env, ui: &Ui) -> Result<Loaded, CommandError> {
    let sources = sources(args)?;
    let vars = |name: &str| env.get(name).map(str::to_owned);
    let refused = |errors: Vec<PolicyError>| invalid(&errors, &sources, ui);
    let variables = args.policy_env.iter().cloned().collect();
    let (policy, places) = policy::load_with(&sources, args.env.as_deref(), &variables, &vars).map_err(refused)?;
    let desired = policy.resolve().map_err(|errors| refused(places.locate(errors)))?;
    Ok(Loaded { sources, places, policy, desired })
}

/// The same; one that says nothing where no policy was named and the default one is not there.
pub(super) fn load_or_none(args: &PolicyArgs, env: &Env, ui: &Ui) -> Result<Loaded, CommandError> {
    let unnamed = args.env.is_none() && args.policy == [Path::new(DEFAULT)];
    if !unnamed || Path::new(DEFAULT).try_exists().unwrap_or(true) {
        return load(args, env, ui);
    }
    // No policy is valid without a table: the one in it is taken out again.
    let text = format!(
        "version: {VERSION}\ntables: {{none.none: {{partition: {{key: at, interval: 1 day, timezone: UTC}}}}}}\n"
    );
    let source = Source::new(DEFAULT.to_owned(), text.into_bytes());
    let read = policy::load(std::slice::from_ref(&source), None, &|_| None).and_then(|(policy, places)| {
        let mut desired = policy.resolve()?;
        desired.tables.clear();
        Ok((policy, places, desired))
    });
    let (policy, places, desired) = read.map_err(|errors| invalid(&errors, &[], ui))?;
    Ok(Loaded { sources: vec![source], places, policy, desired })
}

/// The files, unread policies and all.
pub(super) fn sources(args: &PolicyArgs) -> Result<Vec<Source>, CommandError> {
    let mut sources = Vec::new();
    for path in &args.policy {
        if path.is_dir() {
            for file in policies_in(path)? {
                sources.push(source(&file)?);
            }
        } else {
            sources.push(source(path)?);
        }
    }
    Ok(sources)
}

/// Exit 78, with an excerpt for each error.
pub(super) fn invalid(errors: &[PolicyError], sources: &[Source], ui: &Ui) -> CommandError {
    let report = diagnostics::report(errors, sources, ui.colour.stderr, ui.width_of_notes());
    let message = match errors.len() {
        1 => "the policy is invalid".to_owned(),
        count => format!("the policy is invalid: {count} errors"),
    };
    let report = Leaving::text(&report, ui.colour.stderr);
    CommandError { report: Some(report), ..CommandError::new(Event::Config, message) }
}

fn source(path: &Path) -> Result<Source, CommandError> {
    let name = path.display().to_string();
    match read_at_most(path, LARGEST) {
        Ok(bytes) => Ok(Source::new(name, bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(CommandError::new(Event::Config, format!("there is no policy {name}"))
                .hint("name it with --policy PATH")
                .hint(format!("or write one for what the database has: pgstrata import --out {}", paste::path(path))))
        }
        Err(error) => Err(CommandError::new(Event::Config, format!("{name} cannot be read: {error}"))),
    }
}
