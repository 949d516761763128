//! Planning as a library: what a policy wants of a database, without the binary.
//!
//! ```text
//! cargo run --example plan -- policies/minimal.yaml postgresql:///app
//! ```

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an example is a program: it reads files and prints"
)]

use std::error::Error;
use std::time::Duration;

use jiff::Timestamp;
use pgstrata::catalog::take;
use pgstrata::db::{Connector, Env, resolve};
use pgstrata::plan::{PlanOptions, plan, verify};
use pgstrata::policy::{Source, load};

#[allow(dead_code, reason = "a test includes this file and calls what is below")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(url)) = (arguments.next(), arguments.next()) else {
        return Err("usage: plan POLICY URL".into());
    };
    for line in what_is_due(&path, &url)? {
        println!("{line}");
    }
    Ok(())
}

/// A line for each step that the policy wants of the database.
pub(crate) fn what_is_due(path: &str, url: &str) -> Result<Vec<String>, Box<dyn Error>> {
    // A policy is text with a name; `${NAME}` is looked up by whatever the caller passes.
    let source = Source::new(path.to_owned(), std::fs::read(path)?);
    let (policy, places) = load(&[source], None, &|name| std::env::var(name).ok()).map_err(first)?;
    let desired = policy.resolve().map_err(|errors| first(places.locate(errors)))?;

    // libpq's rules: what the URL leaves out comes from the variables that the caller hands over.
    let info = resolve(Some(url), &Env::from_map(std::env::vars()))?;
    let mut session = Connector::new(info, "pgstrata/example")?.connect(Duration::from_secs(10))?;

    // One read of the catalog that waits for nobody, then a pure function. The server's clock replaces this one.
    let options = PlanOptions::at(Timestamp::UNIX_EPOCH);
    let (snapshot, options) = take(&mut session, &desired, &options, None)?;
    let plan = plan(&desired, &snapshot, &options);
    verify(&plan, &desired, &snapshot).map_err(|violations| format!("{violations:?}"))?;
    Ok(plan.steps.iter().map(|step| format!("{}  {}: {}", step.id, step.class.word(), step.reason)).collect())
}

fn first(errors: Vec<pgstrata::policy::PolicyError>) -> Box<dyn Error> {
    errors.into_iter().next().map_or_else(|| "the policy is invalid".into(), |error| error.message.into())
}
