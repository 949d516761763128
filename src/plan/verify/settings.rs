//! Rules of steps on the server's settings.

use super::super::action::{Action, SetSetting, SettingAction};
use super::super::fact::{Fact, Seen};
use super::super::step::Step;
use super::rules::rule;
use crate::catalog::{SettingContext, SettingKind, Snapshot};
use crate::policy::{Desired, SettingsMode};
use crate::sql::{SettingUnit, left_to_a_person, setting_amount, setting_real, setting_text};

pub(super) fn judge(desired: &Desired, snapshot: &Snapshot, step: &Step) -> Result<(), String> {
    let Action::Setting(SettingAction::Set(SetSetting { name, to, restart })) = &step.action else {
        return Err("it sets no setting".to_owned());
    };
    rule(desired.settings.mode == SettingsMode::AlterSystem, "the policy does not say `apply.settings: alter_system`")?;
    let wanted = desired.settings.values.get(name).ok_or("the policy does not name the setting")?;
    rule(*to == setting_text(name, wanted), "the policy wants another value of the setting")?;
    let facts = snapshot.catalog.settings.as_ref().ok_or("settings were not read")?;
    let found = facts.settings.get(name).ok_or("the server shows no such setting")?;
    let is_left = left_to_a_person(name, to).is_some();
    rule(found.context != SettingContext::Internal && !is_left, "it may not be set by ALTER SYSTEM")?;
    rule(found.source != "command line", "the server's command line goes before it")?;
    let limit = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<f64>().ok());
    let takes = match found.kind {
        SettingKind::Integer | SettingKind::Real => {
            let unit = SettingUnit::from_pg_settings(found.unit.as_deref());
            let read = if found.kind == SettingKind::Integer { setting_amount } else { setting_real };
            unit.and_then(|unit| read(to, unit)).is_some_and(|amount| {
                // An integer is rounded before it is compared with its limits.
                let slack = if found.kind == SettingKind::Integer { 0.5 } else { 0.0 };
                limit(&found.min).is_none_or(|min| amount >= min - slack)
                    && limit(&found.max).is_none_or(|max| amount <= max + slack)
            })
        }
        SettingKind::Bool => !to.is_empty(),
        // An empty word is one to some.
        SettingKind::Enum => found.words.iter().any(String::is_empty) || !to.is_empty(),
        SettingKind::String => true,
    };
    rule(takes, "the server does not take this value")?;
    let is_late = found.context == SettingContext::Postmaster;
    rule(*restart || !is_late || found.pending_restart, "it hides that a restart has to follow")?;
    let promised = step.after.iter().any(|fact| {
        matches!(fact, Fact::Setting { name: of, value, seen, or_in_files } if of == name
        && or_in_files.as_ref().is_none_or(|text| text == to)
        && match seen {
            Seen::InForce => !is_late,
            Seen::AtRestart => is_late,
            Seen::InFiles => value == to,
            Seen::NotInFiles => false,
        })
    });
    rule(promised, "it does not promise what it sets")
}
