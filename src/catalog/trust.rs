//! Code of other roles that the server runs as the session: what hangs on a table, whose it is, and when it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::snapshot::Catalog;
use crate::sql::{Ident, TableName};

/// A function or a domain of a role that may do less than the session, and that the server may run as the session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OwnersCode {
    /// Whose it is: whoever owns it may replace it at any time.
    pub owner: Ident,
    /// As PostgreSQL writes it: `app.one(integer)`, or the name of a domain.
    pub code: String,
    /// It is a domain, not a function.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub domain: bool,
    /// By what the server comes to it.
    pub by: CodeBy,
    /// Its owner owns the table too, or may become who does: what the server runs as the table's owner is then their own.
    pub of_tables_owner: bool,
}

/// By what the server comes to code of an owner, and so which statements run it (measured on 14 to 18).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeBy {
    /// A check, an expression or predicate of an index, of statistics, the domain of the key: queries, ATTACH,
    /// DETACH … CONCURRENTLY; as the table's owner ANALYZE and builds.
    Expression,
    /// The operator class of the partition key: whatever looks at the parent's bounds.
    Key,
    /// As [`Self::Expression`], of a detached table.
    Detached,
    /// The same of a table that is referenced: ATTACH looks there for the new partition's keys.
    Referenced,
    /// The same of a table that references this one: DETACH looks there for what references the partition.
    Referencing,
    /// An event trigger: every DDL statement.
    EventTrigger,
}

impl CodeBy {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Expression, Self::Key, Self::Detached, Self::Referenced, Self::Referencing, Self::EventTrigger];

    /// What a query on the table, or on a partition of it, runs.
    pub const QUERIES: [Self; 2] = [Self::Expression, Self::Key];

    /// As the server's catalog query and the documents spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Expression => "expression",
            Self::Key => "key",
            Self::Detached => "detached",
            Self::Referenced => "referenced",
            Self::Referencing => "referencing",
            Self::EventTrigger => "event trigger",
        }
    }
}

/// By table of the policy.
pub type OwnersCodes = BTreeMap<TableName, BTreeSet<OwnersCode>>;

impl Catalog {
    /// What is at stake where the server comes to code by one of these.
    pub fn owners_code<'a>(&'a self, table: &TableName, by: &'a [CodeBy]) -> Vec<&'a OwnersCode> {
        let all = self.owners_code.get(table).into_iter().flatten();
        all.filter(|code| by.contains(&code.by)).collect()
    }
}

/// Whose code would run as whom, in words: `app.one(integer) of writer would run as deployer`.
pub struct WouldRun<'a> {
    /// What would run.
    pub codes: &'a [&'a OwnersCode],
    /// As whom.
    pub whom: &'a str,
}

/// A sentence names so many, and says how many more there are.
const NAMED: usize = 3;

impl fmt::Display for WouldRun<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let distinct: BTreeSet<(&Ident, &str, bool)> =
            self.codes.iter().map(|code| (&code.owner, code.code.as_str(), code.domain)).collect();
        for (at, (owner, code, domain)) in distinct.iter().take(NAMED).enumerate() {
            let before = if at == 0 { "" } else { ", " };
            let domain = if *domain { "domain " } else { "" };
            write!(f, "{before}{domain}{code} of {owner}")?;
        }
        if distinct.len() > NAMED {
            write!(f, " and {} more", distinct.len() - NAMED)?;
        }
        write!(f, " would run as {}", Ident::new(self.whom))
    }
}
