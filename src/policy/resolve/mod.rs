//! From what the YAML says to what must be true: defaults, units, names, and whether it all goes together.

mod apply;
mod client;
mod expression;
mod hardware;
mod hold;
mod index;
mod limits;
mod new_partitions;
mod rest;
mod services;
mod table;

pub(crate) use table::{DEFAULT_PREMAKE, MAX_PREMAKE};

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use super::spec::PolicySpec;
use super::{Desired, Expect, Policy, PolicyError, PolicyPath, Width};
use crate::sql::{Ident, TableName};

impl Policy {
    /// Validates the policy and fills in the defaults.
    ///
    /// # Errors
    /// Everything that is wrong, with paths; [`SourceMap::locate`](super::SourceMap::locate) adds the places.
    pub fn resolve(&self) -> Result<Desired, Vec<PolicyError>> {
        let mut checks = Checks::default();
        // Every section named here, so that a new one cannot be forgotten.
        let PolicySpec {
            version: _,
            connection,
            client,
            apply,
            tables,
            holds,
            limits,
            settings,
            hardware,
            monitoring,
            environments: _,
        } = &self.spec;

        let mut resolved = BTreeMap::new();
        let mut known = BTreeSet::new();
        for (key, spec) in tables.iter().flatten() {
            let path = PolicyPath::of(["tables"]).key(key);
            let Some(name) = checks.table_name(&path, true, key) else { continue };
            known.insert(name.clone());
            if let Some(table) = table::resolve(&mut checks, &path, &name, spec) {
                resolved.insert(name, table);
            }
        }
        // `tables: {}` says so: the last table was taken out, or settings and limits alone are wanted. None by mistake is not.
        if tables.is_none() {
            let path = PolicyPath::of(["tables"]);
            checks.push(PolicyError::at_key(path, "the policy has no tables").help("name one under `tables`"));
        }
        let expect = connection.as_ref().and_then(|connection| connection.expect.as_ref());
        let expect = expect.map_or_else(Expect::default, |expect| rest::expect(&mut checks, expect));
        let of_ids = resolved.iter().filter(|(_, table)| matches!(table.width, Width::Keys(_)));
        let of_ids = of_ids.map(|(name, _)| name.clone()).collect();
        let known = Known { tables: &known, of_ids: &of_ids, removed: &self.removed_tables };
        let holds = hold::resolve(&mut checks, &known, holds.as_ref());
        let mode = apply.as_ref().and_then(|apply| apply.settings);
        let apply = apply::resolve(&mut checks, &known, apply.as_ref());
        let client = client::client(&mut checks, client.as_ref());
        let limits = limits::limits(&mut checks, limits.as_ref(), client.max_connections);
        let settings = rest::settings(&mut checks, mode, settings.as_ref());
        // Advice is made of it, no plan.
        hardware::hardware(&mut checks, hardware.as_ref());
        rest::monitoring(&mut checks, monitoring.as_ref());

        let Checks { errors, not_enforced } = checks;
        match apply {
            Some(apply) if errors.is_empty() => {
                Ok(Desired { tables: resolved, holds, limits, settings, client, expect, apply, not_enforced })
            }
            Some(_) | None => Err(errors),
        }
    }
}

/// The tables that other sections may name.
struct Known<'a> {
    tables: &'a BTreeSet<TableName>,
    /// Those that are partitioned by ids.
    of_ids: &'a BTreeSet<TableName>,
    removed: &'a BTreeSet<String>,
}

impl Known<'_> {
    fn is_removed(&self, table: &TableName) -> bool {
        self.removed.contains(&table.to_string())
    }
}

/// What has been found so far.
#[derive(Default)]
struct Checks {
    errors: Vec<PolicyError>,
    not_enforced: BTreeSet<String>,
}

impl Checks {
    fn push(&mut self, error: PolicyError) {
        self.errors.push(error);
    }

    /// An error at the value of `path`.
    fn at(&mut self, path: &PolicyPath, message: impl Into<String>) {
        self.push(PolicyError::at(path.clone(), message));
    }

    /// Keeps the value, or the error.
    fn keep<T, E: fmt::Display>(&mut self, path: &PolicyPath, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.at(path, error.to_string());
                None
            }
        }
    }

    /// Reads what is there with `read`; what is not there is `default`. `None` means an error.
    fn or<T, S: AsRef<str>, E: fmt::Display>(
        &mut self,
        path: &PolicyPath,
        text: Option<&S>,
        default: T,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match text {
            Some(text) => self.keep(path, read(text.as_ref())),
            None => Some(default),
        }
    }

    /// Reads what is there, if only to say what is wrong with it.
    fn check<T, S: AsRef<str>, E: fmt::Display>(
        &mut self,
        path: &PolicyPath,
        text: Option<&S>,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) {
        if let Some(text) = text {
            self.keep(path, read(text.as_ref()));
        }
    }

    fn ident(&mut self, path: &PolicyPath, text: &str) -> Option<Ident> {
        let result = Ident::parse(text);
        self.named(path, false, "identifier", text, result)
    }

    fn table_name(&mut self, path: &PolicyPath, on_key: bool, text: &str) -> Option<TableName> {
        let result = TableName::from_str(text);
        self.named(path, on_key, "table", text, result)
    }

    fn named<T>(
        &mut self,
        path: &PolicyPath,
        on_key: bool,
        what: &str,
        text: &str,
        result: Result<T, crate::sql::IdentError>,
    ) -> Option<T> {
        let error = match result {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        use crate::sql::IdentError;
        let help = match &error {
            IdentError::Parts(1) if what == "table" => Some(format!("name its schema: `public.{}`", text.trim())),
            IdentError::NeedsQuotes(_) => {
                Some("PostgreSQL's double quotes go inside YAML's: '\"Odd Name\"'".to_owned())
            }
            IdentError::Parts(_)
            | IdentError::Empty
            | IdentError::Unclosed
            | IdentError::Escape
            | IdentError::TooLong(_) => None,
        };
        let message = format!("`{}` is no {what}: {error}", super::tree::shortened(text));
        let error =
            if on_key { PolicyError::at_key(path.clone(), message) } else { PolicyError::at(path.clone(), message) };
        self.push(error.maybe_help(help));
        None
    }

    /// Notes something that is valid, and that this version does not carry out.
    fn not_enforced(&mut self, path: &PolicyPath, note: &str) {
        self.not_enforced.insert(format!("{path}{note}"));
    }
}

/// A date, or a date and time, without a zone.
fn moment(text: &str) -> Result<jiff::civil::DateTime, String> {
    let text = text.trim();
    let wrong = || {
        format!(
            "`{}` is no date, or date and time, such as `2024-03-01` or `2024-03-01 12:00`",
            super::tree::shortened(text)
        )
    };
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let plain_date = date.len() == 10 && date.chars().all(|c| c.is_ascii_digit() || c == '-');
    if let Some(time) = time
        && (time.ends_with(['Z', 'z']) || time.contains(['+', '-']))
        && plain_date
    {
        return Err(format!(
            "`{}` has a zone or an offset: it is read in the table's zone, write it without",
            super::tree::shortened(text)
        ));
    }
    let plain_time =
        time.is_none_or(|time| time.len() >= 5 && time.chars().all(|c| c.is_ascii_digit() || c == ':' || c == '.'));
    if !plain_date || !plain_time {
        return Err(wrong());
    }
    let at: jiff::civil::DateTime = text.parse().map_err(|_| wrong())?;
    if at.subsec_nanosecond() % 1_000 != 0 {
        return Err(format!("`{text}` is finer than the microseconds that PostgreSQL keeps"));
    }
    if at.year() < 1 { Err(wrong()) } else { Ok(at) }
}
