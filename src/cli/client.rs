//! `pgstrata client`

use std::collections::BTreeMap;

use pgstrata::client::LimitValue;
use pgstrata::db::Env;
use pgstrata::policy::client_options;

use super::args::ClientArgs;
use super::args::client::{ClientCommand, ClientLimitsArgs, LimitsFormat};
use super::door::Leaving;
use super::error::CommandError;
use super::exit::Events;
use super::policy;
use super::ui::Ui;

pub(super) fn run(args: &ClientArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    match &args.command {
        ClientCommand::Limits(args) => limits(args, env, ui),
    }
}

fn limits(args: &ClientLimitsArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    let loaded = policy::load(&args.policy, env, ui)?;
    let entries = client_options(&loaded.desired).entries();
    if entries.is_empty() {
        return Err(
            CommandError::error("the policy says nothing of clients").hint("write `client.pool` or `client.cache`")
        );
    }
    let mut sections: BTreeMap<&str, serde_json::Map<String, serde_json::Value>> = BTreeMap::new();
    for (section, key, value) in &entries {
        let value = match value {
            LimitValue::Whole(number) => (*number).into(),
            LimitValue::Fraction(share) => (*share).into(),
            // What it may gain is text until it is said here.
            other => other.to_string().into(),
        };
        sections.entry(section).or_default().insert((*key).to_owned(), value);
    }
    let text: String = match args.format {
        LimitsFormat::Env => entries
            .iter()
            .map(|(section, key, value)| format!("PGSTRATA_{}={value}\n", format!("{section}_{key}").to_uppercase()))
            .collect(),
        LimitsFormat::Json => format!("{:#}\n", serde_json::json!(sections)),
        LimitsFormat::Toml => {
            let mut text = String::new();
            for section in ["pool", "cache"] {
                let lines = entries.iter().filter(|(of, ..)| *of == section);
                let lines: String = lines.map(|(_, key, value)| format!("{key} = {value}\n")).collect();
                if !lines.is_empty() {
                    text.push_str(&format!("{}[{section}]\n{lines}", if text.is_empty() { "" } else { "\n" }));
                }
            }
            text
        }
    };
    ui.result(&Leaving::text(&text, false))?;
    Ok(Events::new())
}
