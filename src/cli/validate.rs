//! `pgstrata validate`: every environment, every error with its place. Offline.

use std::collections::BTreeSet;

use pgstrata::db::Env;
use pgstrata::policy::{self, Desired, PolicyError, Source, Warning, environments};

use super::args::ValidateArgs;
use super::diagnostics;
use super::error::CommandError;
use super::exit::Events;
use super::policy::{invalid, sources};
use super::ui::Ui;

pub(super) fn run(args: &ValidateArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    let sources = sources(&args.policy)?;
    let all = environments(&sources).map_err(|errors| invalid(&errors, &sources, ui))?;
    let checked: Vec<Option<&str>> = match &args.policy.env {
        Some(name) => vec![Some(name)],
        None if all.is_empty() => vec![None],
        None => all.iter().map(|name| Some(name.as_str())).collect(),
    };
    let mut errors = Vec::new();
    let mut shown = Vec::new();
    let mut counts = Vec::new();
    let mut not_enforced = BTreeSet::new();
    for name in checked {
        match check(&sources, name, env, ui, &mut shown) {
            Ok(desired) => {
                counts.push(count(name, &desired));
                not_enforced.extend(desired.not_enforced);
            }
            // What is wrong below an overlay is wrong in every environment, and said once.
            Err(found) => found.into_iter().for_each(|error| {
                if !errors.contains(&error) {
                    errors.push(error);
                }
            }),
        }
    }
    if !errors.is_empty() {
        return Err(invalid(&errors, &sources, ui));
    }
    if !not_enforced.is_empty() {
        let paths = not_enforced.into_iter().collect::<Vec<_>>().join(", ");
        counts.push(format!("not yet enforced by this version: {paths}\n"));
    }
    ui.result(&counts.concat())?;
    Ok(Events::new())
}

fn check(
    sources: &[Source],
    name: Option<&str>,
    env: &Env,
    ui: &Ui,
    shown: &mut Vec<Warning>,
) -> Result<Desired, Vec<PolicyError>> {
    // Checked where it is written, not where it is used: what is looked up there need not be set here.
    let vars = |name: &str| Some(env.non_empty(name).map_or_else(|| format!("<{name}>"), str::to_owned));
    let (policy, places) = policy::load(sources, name, &vars)?;
    let mut errors = Vec::new();
    for url in [policy.connection_url(&vars), policy.pgbouncer_admin_url(&vars)] {
        errors.extend(url.err());
    }
    errors.extend(policy.owner_urls(&vars).err());
    let resolved = policy.resolve();
    match resolved {
        Ok(desired) if errors.is_empty() => {
            let new: Vec<Warning> =
                policy::warnings(&desired).into_iter().filter(|warning| !shown.contains(warning)).collect();
            if !new.is_empty() {
                let width = ui.width_of_notes();
                ui.say(&diagnostics::warning_report(&new, &places, sources, ui.colour.stderr, width));
                shown.extend(new);
            }
            Ok(desired)
        }
        Ok(_) => Err(places.locate(errors)),
        Err(found) => {
            errors.extend(found);
            Err(places.locate(errors))
        }
    }
}

/// `ok: production: 3 tables, 1 hold`
fn count(name: Option<&str>, desired: &Desired) -> String {
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let environment = name.map_or_else(String::new, |name| format!("{name}: "));
    let (tables, holds) = (plural(desired.tables.len(), "table"), plural(desired.holds.len(), "hold"));
    format!("ok: {environment}{tables}, {holds}\n")
}
