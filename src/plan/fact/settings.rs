//! What is known of the server's settings.

use super::Seen;
use crate::catalog::{Catalog, SettingContext, SettingFacts};

pub(super) fn judge(catalog: &Catalog, name: &str, value: &str, seen: Seen) -> Result<(), String> {
    let facts = catalog.settings.as_ref().ok_or("settings were not read")?;
    let found = facts.settings.get(name).ok_or_else(|| format!("{name} is not seen"))?;
    let in_force = || format!("{name} is {}", found.value);
    match seen {
        Seen::InForce if found.is_shadowed() => {
            Err(format!("what the server has of {name} is hidden by what the {} has", found.source))
        }
        Seen::InForce if found.value == value => Ok(()),
        Seen::InForce => Err(in_force()),
        // What waits may be anybody's value: that it is this one only the run knows that wrote it.
        Seen::AtRestart if found.pending_restart => {
            Err(format!("{name} is {}, and a restart brings a value that is not seen", found.value))
        }
        Seen::AtRestart if found.value == value => Ok(()),
        Seen::AtRestart => Err(in_force()),
        Seen::InFiles => match &found.configured {
            Some(configured) if configured == value => Ok(()),
            Some(configured) => Err(format!("the configuration has {name} = {configured}")),
            None => Err(format!("the configuration has no {name}, or may not be read")),
        },
    }
}

pub(super) fn assume(catalog: &mut Catalog, name: &str, value: &str, seen: Seen) {
    let Some(found) = catalog.settings.as_mut().and_then(|facts| facts.settings.get_mut(name)) else { return };
    let SettingFacts { value: in_force, configured, pending_restart, context, .. } = found;
    match seen {
        // As it is after the restart.
        Seen::InForce | Seen::AtRestart => value.clone_into(in_force),
        Seen::InFiles => {
            *configured = Some(value.to_owned());
            *pending_restart = *context == SettingContext::Postmaster;
        }
    }
}
