//! Transactions that are tried again where that is safe.

use std::time::Duration;

use postgres::Row;

use super::conn::{Conn, at_most_one, one};
use super::error::Error;
use super::query::Query;

/// Which other transactions' writes a transaction sees (PostgreSQL documentation, "Transaction Isolation").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Isolation {
    /// What was committed before each statement.
    #[default]
    ReadCommitted,
    /// What was committed before the first statement.
    RepeatableRead,
    /// As if transactions ran one after the other.
    Serializable,
}

/// How a transaction runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TxOptions {
    isolation: Isolation,
    read_only: bool,
    retries: u32,
    resolve_commit: bool,
}

impl TxOptions {
    /// Serializable.
    pub fn serializable() -> Self {
        Self::default().isolation(Isolation::Serializable)
    }

    /// With another isolation.
    #[must_use]
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// The server refuses writes in it.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// How often it is tried again after a serialization failure or a deadlock. Its closure then runs again from its
    /// beginning: what it does besides must bear that.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Asks for the transaction's number before COMMIT, one round trip, and with it what became of it where the answer to
    /// COMMIT is lost.
    #[must_use]
    pub fn resolve_commit(mut self, resolve: bool) -> Self {
        self.resolve_commit = resolve;
        self
    }

    pub(super) fn retries_left(&self, tries: u32) -> bool {
        tries < self.retries
    }

    pub(super) fn resolves(&self) -> bool {
        self.resolve_commit
    }

    pub(super) fn begin(&self) -> String {
        let isolation = match self.isolation {
            Isolation::ReadCommitted => "READ COMMITTED",
            Isolation::RepeatableRead => "REPEATABLE READ",
            Isolation::Serializable => "SERIALIZABLE",
        };
        format!("BEGIN ISOLATION LEVEL {isolation}{}", if self.read_only { ", READ ONLY" } else { ", READ WRITE" })
    }
}

/// An open transaction.
pub struct Tx<'c> {
    conn: &'c mut Conn,
    writes: &'c mut Vec<String>,
}

impl<'c> Tx<'c> {
    pub(super) fn new(conn: &'c mut Conn, writes: &'c mut Vec<String>) -> Self {
        Self { conn, writes }
    }

    /// It writes that: once it is committed, or may have been, nothing older that is [read](Query::reads) from it is found
    /// in the cache.
    pub fn writes(&mut self, tag: impl Into<String>) {
        self.writes.push(tag.into());
    }

    /// All rows of a query, each through a function.
    ///
    /// # Errors
    /// As [`Conn::query`].
    pub fn query<T>(&mut self, query: &Query<'_>, read: impl FnMut(&Row) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        self.conn.query(query, read)
    }

    /// The one row of a query.
    ///
    /// # Errors
    /// As [`Conn::query_one`].
    pub fn query_one<T>(&mut self, query: &Query<'_>, read: impl FnMut(&Row) -> Result<T, Error>) -> Result<T, Error> {
        one(self.query(query, read)?)
    }

    /// The row of a query, if there is one.
    ///
    /// # Errors
    /// As [`Conn::query_opt`].
    pub fn query_opt<T>(
        &mut self,
        query: &Query<'_>,
        read: impl FnMut(&Row) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        at_most_one(self.query(query, read)?)
    }

    /// Runs a statement; gives the number of rows that it wrote.
    ///
    /// # Errors
    /// As [`Conn::execute`].
    pub fn execute(&mut self, query: &Query<'_>) -> Result<u64, Error> {
        self.conn.execute(query)
    }
}

/// How long is waited before a transaction is tried again: more each time, and by chance, so that two that met do not meet
/// again.
pub(super) fn pause(tries: u32) -> Duration {
    Duration::from_millis(5 << tries.min(6)).mul_f32(0.5 + fastrand::f32())
}
