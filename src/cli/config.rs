//! `pgstrata optimize config`

use pgstrata::catalog::{interruptible, take_config};
use pgstrata::db::Env;
use pgstrata::render::{human, json};
use pgstrata::report::config::{Machine, advise, settings};

use super::args::{ConfigArgs, ConfigFormat};
use super::door::Leaving;
use super::error::CommandError;
use super::exit::{Event, Events};
use super::plan_text::written;
use super::ui::Ui;
use super::{connect, inspect, machine, policy, signals};

pub(super) fn run(args: &ConfigArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    let ConfigArgs { policy, connect, format } = args;
    let loaded = policy::load(policy, env, ui)?;
    let mut machine = Machine::declared(loaded.policy.hardware());
    let stop = signals::install(ui)?;
    let connector = connect::connector("optimize-config", connect, &loaded, env, ui, &stop)?;
    let mut session = connect::session(&connector, &stop)?;
    let taken = interruptible(&mut session, &stop, |session| take_config(session, &loaded.desired, &settings()));
    let (snapshot, trees) = taken.map_err(|error| inspect::unreadable(&error, stop.signal()))?;
    if machine.memory.is_none() || machine.cpus.is_none() {
        let (session_role, database) = (&snapshot.catalog.session.name, &snapshot.target.database);
        match machine::of_local_server(&session, session_role, database) {
            Ok((memory, cpus)) => {
                machine.memory = machine.memory.or(memory);
                machine.cpus = machine.cpus.or(cpus);
            }
            // One of the two will do for half of the advice.
            Err(because) if machine.memory.is_none() && machine.cpus.is_none() => {
                let message = format!("the policy declares no hardware, and it is not looked up: {because}");
                return Err(CommandError::new(Event::Config, message)
                    .hint("declare the server's own, such as `hardware: {memory: 64GB, cpus: 16, storage: ssd}`"));
            }
            Err(_) => {}
        }
    }
    let advice = advise(&loaded.desired, &snapshot, &trees, machine);
    let text = match format {
        ConfigFormat::Human => written(ui.colour.stdout, |out| human::config(&advice, ui.style(), out))?,
        ConfigFormat::Json => Leaving::json(json::config(&advice)),
        ConfigFormat::Yaml => Leaving::text(&advice.yaml(), false),
    };
    ui.result(&text)?;
    Ok(Events::new())
}
