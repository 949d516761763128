//! SQL of connection limits and settings of roles.

use super::Literal;
use crate::plan::{LimitAction, LimitDatabase, LimitRole, SetRole};

pub(super) fn change(action: &LimitAction) -> Vec<String> {
    match action {
        LimitAction::Database(LimitDatabase { database, role: _, from: _, to }) => {
            vec![format!("ALTER DATABASE {database} CONNECTION LIMIT {to}")]
        }
        LimitAction::Role(LimitRole { role, from: _, to }) => {
            vec![format!("ALTER ROLE {role} CONNECTION LIMIT {to}")]
        }
        LimitAction::Set(SetRole { role, database, settings }) => {
            let set = settings.iter().map(|setting| {
                // Names are those of settings that we know, which need no quotes.
                format!("ALTER ROLE {role} IN DATABASE {database} SET {} = {}", setting.name, Literal(&setting.to))
            });
            set.collect()
        }
    }
}
