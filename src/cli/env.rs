//! Which variables stand in for flags.

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Command};
use pgstrata::db::Env;

/// Flags that no variable stands in for: nothing that lingers in CI approves, and nothing that lingers moves the clock
/// or stands in for the database.
const NOT_FROM_ENV: [&str; 6] = ["allow", "auto-approve", "max-drop", "now", "force", "snapshot"];

/// `PGSTRATA_LOCK_TIMEOUT` for `lock-timeout`; `None` for a flag that has none.
pub(super) fn variable(long: &str) -> Option<String> {
    // The last two are clap's own.
    let has_one = !NOT_FROM_ENV.contains(&long) && !matches!(long, "help" | "version");
    has_one.then(|| format!("PGSTRATA_{}", long.to_ascii_uppercase().replace('-', "_")))
}

/// Gives every flag of the command and its subcommands its variable as a default. An empty variable counts as unset,
/// which is how CI systems pass on what is not there; lists are separated by commas.
pub(super) fn defaults(command: Command, env: &Env) -> Command {
    let command = command.mut_args(|arg| {
        let Some(value) = arg.get_long().and_then(variable).and_then(|name| env.non_empty(&name).map(str::to_owned))
        else {
            return arg;
        };
        // A default that is shown might show a password.
        #[allow(clippy::wildcard_enum_match_arm, reason = "clap's enum may grow")]
        match arg.get_action() {
            ArgAction::SetTrue => arg.value_parser(BoolishValueParser::new()).default_value(value),
            ArgAction::Append => {
                let values: Vec<String> = value.split(',').map(|item| item.trim().to_owned()).collect();
                arg.default_values(values).hide_default_value(true)
            }
            _ => arg.default_value(value).hide_default_value(true),
        }
    });
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    names.iter().fold(command, |command, name| command.mut_subcommand(name, |sub| defaults(sub, env)))
}

/// Variables that look like flags of ours and have no effect.
pub(super) fn ignored(env: &Env) -> Vec<(String, &'static str)> {
    NOT_FROM_ENV
        .into_iter()
        .map(|flag| (format!("PGSTRATA_{}", flag.to_ascii_uppercase().replace('-', "_")), flag))
        .filter(|(name, _)| env.non_empty(name).is_some())
        .collect()
}

/// Whether a CI system runs us, by the variable that all of them set.
pub(super) fn in_ci(env: &Env) -> bool {
    env.non_empty("CI").is_some_and(|value| !matches!(value, "0" | "false"))
}

/// Names of the variables that stand in for flags, for a message about wrong usage.
pub(super) fn given(env: &Env) -> Vec<String> {
    use clap::CommandFactory as _;
    let mut names = std::collections::BTreeSet::new();
    let root = super::args::Cli::command();
    let mut commands = vec![&root];
    while let Some(command) = commands.pop() {
        names.extend(command.get_arguments().filter_map(|arg| arg.get_long().and_then(variable)));
        commands.extend(command.get_subcommands());
    }
    names.into_iter().filter(|name| env.non_empty(name).is_some()).collect()
}
