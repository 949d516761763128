//! The text form of grants: `deletes-data`, `deletes-data:audit.audit_log`.

use std::fmt;
use std::str::FromStr;

use super::{Grant, suggest};
use crate::plan::{Gating, HazardKind};
use crate::sql::IdentError;

/// Why a text is not a grant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// No hazard has this name.
    #[error("no hazard is called `{found}`: {hint}")]
    Hazard {
        /// What was found.
        found: String,
        /// The nearest name, or all of them.
        hint: String,
    },
    /// Not a table.
    #[error("`{found}` is not a table: {error}")]
    Table {
        /// What was found.
        found: String,
        /// Why.
        error: IdentError,
    },
    /// It is only ever shown.
    #[error("`{}` is only shown, and needs no grant", .0.flag())]
    NeedsNone(HazardKind),
}

impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let (hazard, table) = match text.split_once(':') {
            Some((hazard, table)) => (hazard, Some(table)),
            None => (text, None),
        };
        let hazard: HazardKind = hazard.parse().map_err(|_| {
            let flags: Vec<String> = HazardKind::ALL
                .into_iter()
                .filter(|kind| kind.gating() != Gating::Shown)
                .map(HazardKind::flag)
                .collect();
            let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
            GrantError::Hazard {
                found: super::tree::shortened(hazard),
                hint: suggest::hint(&hazard.trim().replace('_', "-"), &flags),
            }
        })?;
        match hazard.gating() {
            Gating::Always | Gating::BeyondMaxDrop => {}
            Gating::Shown => return Err(GrantError::NeedsNone(hazard)),
        }
        let table = table
            .map(|table| {
                table.parse().map_err(|error| GrantError::Table { found: super::tree::shortened(table), error })
            })
            .transpose()?;
        Ok(Self { hazard, table })
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hazard.flag())?;
        match &self.table {
            Some(table) => write!(f, ":{table}"),
            None => Ok(()),
        }
    }
}

impl TryFrom<String> for Grant {
    type Error = GrantError;

    fn try_from(text: String) -> Result<Self, GrantError> {
        text.parse()
    }
}

impl From<Grant> for String {
    fn from(grant: Grant) -> Self {
        grant.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_read_back_as_shown() {
        for text in ["deletes-data", "detaches-data:audit.audit_log", r#"drops-index:"A b".c"#] {
            assert_eq!(text.parse::<Grant>().unwrap().to_string(), text);
        }
        assert_eq!("DELETES_DATA:Public.T".parse::<Grant>().unwrap().to_string(), "deletes-data:public.t");
    }

    #[test]
    fn refuses_what_grants_nothing() {
        for (text, error) in [
            ("delete-data", "no hazard is called `delete-data`: did you mean `deletes-data`?"),
            ("deletes-data:log", "`log` is not a table: expected `schema.table`, found 1 part(s)"),
            ("index-build", "`index-build` is only shown, and needs no grant"),
        ] {
            assert_eq!(text.parse::<Grant>().unwrap_err().to_string(), error);
        }
    }
}
