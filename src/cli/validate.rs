//! `pgstrata validate`: every environment, every error with its place. Offline.

use std::collections::BTreeSet;

use pgstrata::db::Env;
use pgstrata::policy::{self, Desired, Place, Policy, PolicyError, SourceMap, Warning, load_all, load_with};

use super::args::ValidateArgs;
use super::diagnostics;
use super::door::Leaving;
use super::error::CommandError;
use super::exit::Events;
use super::policy::{invalid, sources};
use super::ui::Ui;

pub(super) fn run(args: &ValidateArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    let sources = sources(&args.policy)?;
    // Checked where it is written, not where it is used: what is looked up there need not be set here.
    let vars = |name: &str| Some(env.non_empty(name).map_or_else(|| format!("<{name}>"), str::to_owned));
    let variables: BTreeSet<String> = args.policy.policy_env.iter().cloned().collect();
    let all = match &args.policy.env {
        Some(name) => vec![(Some(name.clone()), load_with(&sources, Some(name), &variables, &vars))],
        None => load_all(&sources, &variables, &vars).map_err(|errors| invalid(&errors, &sources, ui))?,
    };
    let mut found = Found::default();
    for (name, loaded) in all {
        // What is wrong below an overlay is wrong in every environment, and said once.
        match loaded.and_then(|(policy, places)| found.check(name.as_deref(), &policy, &places, &vars)) {
            Ok(()) => {}
            Err(errors) => found.wrong(errors),
        }
    }
    let Found { errors, warnings, counts, not_enforced, told: _ } = found;
    if !warnings.is_empty() {
        let report = diagnostics::warning_report(&warnings, &sources, ui.colour.stderr, ui.width_of_notes());
        ui.say(&Leaving::text(&report, ui.colour.stderr));
    }
    if !errors.is_empty() {
        return Err(invalid(&errors, &sources, ui));
    }
    let mut text = counts.concat();
    if !not_enforced.is_empty() {
        let paths = not_enforced.into_iter().collect::<Vec<_>>().join(", ");
        text.push_str(&format!("not yet enforced by this version: {paths}\n"));
    }
    ui.result(&Leaving::text(&text, false))?;
    Ok(Events::new())
}

/// What is said of all environments together.
#[derive(Default)]
struct Found {
    errors: Vec<PolicyError>,
    warnings: Vec<(Warning, Option<Place>)>,
    counts: Vec<String>,
    not_enforced: BTreeSet<String>,
    /// Both of the first, to tell what was said.
    told: BTreeSet<String>,
}

impl Found {
    fn wrong(&mut self, errors: Vec<PolicyError>) {
        for error in errors {
            if self.told.insert(format!("{error:?}")) {
                self.errors.push(error);
            }
        }
    }

    fn check(
        &mut self,
        name: Option<&str>,
        policy: &Policy,
        places: &SourceMap,
        vars: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), Vec<PolicyError>> {
        let urls = [policy.connection_url(vars), policy.pgbouncer_admin_url(vars)];
        let mut errors: Vec<PolicyError> = urls.into_iter().filter_map(Result::err).collect();
        errors.extend(policy.owner_urls(vars).err());
        let desired = match policy.resolve() {
            Ok(desired) if errors.is_empty() => desired,
            Ok(_) => return Err(places.locate(errors)),
            Err(found) => {
                errors.extend(found);
                return Err(places.locate(errors));
            }
        };
        for warning in policy::warnings(&desired) {
            if self.told.insert(format!("{warning:?}")) {
                let place = places.value(&warning.path);
                self.warnings.push((warning, place));
            }
        }
        self.counts.push(count(name, &desired));
        self.not_enforced.extend(desired.not_enforced);
        Ok(())
    }
}

/// `ok: production: 3 tables, 1 hold`
fn count(name: Option<&str>, desired: &Desired) -> String {
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let environment = name.map_or_else(String::new, |name| format!("{name}: "));
    let (tables, holds) = (plural(desired.tables.len(), "table"), plural(desired.holds.len(), "hold"));
    format!("ok: {environment}{tables}, {holds}\n")
}
