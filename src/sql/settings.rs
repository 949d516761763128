//! SQL of the server's settings.

use super::Literal;
use super::setting_list::{SettingList, list_elements, setting_list};
use crate::plan::{SetSetting, SettingAction};

/// What `ALTER SYSTEM` begins with: the file is written when it returns, and no ROLLBACK takes it back.
const ALTER_SYSTEM: &str = "ALTER SYSTEM SET ";

/// Whether this statement is the one that writes a setting.
pub(crate) fn writes_a_setting(sql: &str) -> bool {
    sql.starts_with(ALTER_SYSTEM)
}

pub(super) fn change(action: &SettingAction) -> Vec<String> {
    match action {
        SettingAction::Set(SetSetting { name, to, restart: _ }) => {
            let values = match setting_list(name) {
                // One constant would become one name with commas in it.
                Some(SettingList::Quoted) => list_elements(name, to),
                Some(SettingList::Plain) | None => vec![to.clone()],
            };
            let values: Vec<String> = values.iter().map(|value| Literal(value).to_string()).collect();
            // Names are checked when the policy is read: they need no quotes.
            vec![format!("{ALTER_SYSTEM}{name} = {}", values.join(", ")), "SELECT pg_reload_conf()".to_owned()]
        }
    }
}
