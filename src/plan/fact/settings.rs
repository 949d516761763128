//! What is known of the server's settings.

use super::Seen;
use crate::catalog::{Catalog, SettingContext, SettingFacts};
use crate::sql::setting_shape;

pub(super) fn judge(
    catalog: &Catalog,
    name: &str,
    value: &str,
    seen: Seen,
    or_in_files: Option<&str>,
) -> Result<(), String> {
    let facts = catalog.settings.as_ref().ok_or("settings were not read")?;
    let found = facts.settings.get(name).ok_or_else(|| format!("{name} is not seen"))?;
    let in_force = || format!("{name} is {}", found.value);
    let same = || setting_shape(name, &found.value) == setting_shape(name, value);
    let taken = or_in_files.is_some() && found.taken && found.configured.as_deref() == or_in_files;
    match seen {
        Seen::InForce if taken => Ok(()),
        Seen::InForce if found.is_shadowed() => {
            Err(format!("what the server has of {name} is hidden by what the {} has", found.source))
        }
        Seen::InForce if same() => Ok(()),
        Seen::InForce => Err(in_force()),
        // What waits may be anybody's value: that it is this one only the run knows that wrote it.
        Seen::AtRestart if found.pending_restart => {
            Err(format!("{name} is {}, and a restart brings a value that is not seen", found.value))
        }
        Seen::AtRestart if same() => Ok(()),
        Seen::AtRestart => Err(in_force()),
        Seen::NotInFiles => match &found.configured {
            Some(configured) => Err(format!("the configuration has {name} = {configured}")),
            None => Ok(()),
        },
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
        Seen::NotInFiles => *configured = None,
        Seen::InFiles => {
            *configured = Some(value.to_owned());
            *pending_restart = *context == SettingContext::Postmaster;
        }
    }
}
