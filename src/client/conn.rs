//! A session on loan.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use postgres::{Client as Driver, Row, SimpleQueryMessage};

use super::counters::ClosedBy;
use super::error::Error;
use super::gate::Permit;
use super::manager::{Held, Manager, Slot};
use super::observer::Event;
use super::pool::Inner;
use super::query::Query;
use super::trace;

/// A session on loan from a [`Client`](super::Client): it goes back when dropped. It stays on its thread, so that a thread
/// which asks for more sessions than there are learns that at once.
pub struct Conn {
    inner: Arc<Inner>,
    /// Always there but while it is given back.
    loan: Option<(r2d2::PooledConnection<Manager>, Permit)>,
    /// When it was taken, while nothing but a query can come next.
    begins: Option<Instant>,
    /// When its last query ended, if nothing came after it.
    used: Option<Instant>,
    thread: PhantomData<*const ()>,
}

impl Conn {
    pub(super) fn new(inner: Arc<Inner>, loan: r2d2::PooledConnection<Manager>, permit: Permit, now: Instant) -> Self {
        Self { inner, loan: Some((loan, permit)), begins: Some(now), used: None, thread: PhantomData }
    }

    pub(super) fn begins(&self) -> Option<Instant> {
        self.begins
    }

    /// In a program's hands: what happens between now and its first query is not the query's time.
    pub(super) fn lent(mut self) -> Self {
        self.begins = None;
        self
    }

    /// All rows of a query, each through a function.
    ///
    /// # Errors
    /// [`Error::Server`] where the server refuses it, [`Error::Unreachable`] where the session is lost; the function's own.
    pub fn query<T>(&mut self, query: &Query<'_>, read: impl FnMut(&Row) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        self.rows(query)?.iter().map(read).collect()
    }

    /// The one row of a query.
    ///
    /// # Errors
    /// As [`query`](Self::query), and [`Error::RowCount`] where there are more or none.
    pub fn query_one<T>(&mut self, query: &Query<'_>, read: impl FnMut(&Row) -> Result<T, Error>) -> Result<T, Error> {
        one(self.query(query, read)?)
    }

    /// The row of a query, if there is one.
    ///
    /// # Errors
    /// As [`query`](Self::query), and [`Error::RowCount`] where there are more.
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
    /// As [`query`](Self::query).
    pub fn execute(&mut self, query: &Query<'_>) -> Result<u64, Error> {
        self.run(query, |held, query| {
            if held.statements.is_on() {
                let statement = held.statements.get(held.session.client(), query.sql(), query.types())?;
                held.session.client().execute(&statement, &query.params())
            } else {
                held.session.client().execute_typed(query.sql(), &query.typed())
            }
        })
    }

    /// The driver, whole. The session is reset once it is given back, by another thread, before anybody gets it again:
    /// settings, roles, temporary tables, advisory locks, cursors, statements prepared by SQL and an open transaction.
    pub fn raw(&mut self) -> Result<&mut Driver, Error> {
        self.used = None;
        let held = self.held()?;
        held.touched = true;
        Ok(held.session.client())
    }

    pub(super) fn rows(&mut self, query: &Query<'_>) -> Result<Vec<Row>, Error> {
        self.run(query, |held, query| {
            if held.statements.is_on() {
                let statement = held.statements.get(held.session.client(), query.sql(), query.types())?;
                held.session.client().query(&statement, &query.params())
            } else {
                held.session.client().query_typed(query.sql(), &query.typed())
            }
        })
    }

    /// Without a prepared statement, whose rows would keep it on the server for as long as they are kept.
    pub(super) fn rows_typed(&mut self, query: &Query<'_>) -> Result<Vec<Row>, Error> {
        self.run(query, |held, query| held.session.client().query_typed(query.sql(), &query.typed()))
    }

    /// The first column of what statements without parameters give, in one message.
    pub(super) fn simple(&mut self, sql: &str) -> Result<Vec<String>, Error> {
        (self.begins, self.used) = (None, None);
        let held = self.held()?;
        let done = held.session.client().simple_query(sql).map_err(Error::from);
        self.note(&done);
        let texts = done?.into_iter().filter_map(|message| {
            if let SimpleQueryMessage::Row(row) = message { row.get(0).map(str::to_owned) } else { None }
        });
        Ok(texts.collect())
    }

    /// Statements that take no parameters and give nothing, in one message.
    pub(super) fn batch(&mut self, sql: &str) -> Result<(), Error> {
        (self.begins, self.used) = (None, None);
        let held = self.held()?;
        let done = held.session.client().batch_execute(sql).map_err(Error::from);
        self.note(&done);
        done
    }

    /// Whether a transaction is open, which the pool must end if its owner does not.
    pub(super) fn set_touched(&mut self, touched: bool) -> Result<(), Error> {
        self.held()?.touched = touched;
        Ok(())
    }

    fn run<T>(
        &mut self,
        query: &Query<'_>,
        mut call: impl FnMut(&mut Held, &Query<'_>) -> Result<T, postgres::Error>,
    ) -> Result<T, Error> {
        let _span = trace::query(query.sql());
        let begun = self.begins.take().unwrap_or_else(Instant::now);
        let held = self.held()?;
        let open = held.touched;
        let mut done = call(held, query).map_err(Error::from);
        if let Err(Error::Server(error)) = &done
            && error.is_stale_statement()
        {
            held.statements.forget(query.sql(), query.types());
            // A transaction is over with its first error: there is nothing to try again in it.
            if !open {
                done = call(held, query).map_err(Error::from);
            }
        }
        self.note(&done);
        let ended = Instant::now();
        self.used = Some(ended);
        let took = ended.saturating_duration_since(begun);
        let shared = &self.inner.shared;
        shared.counters.query.took(took);
        if done.is_ok() {
            shared.history.answered(ended);
        }
        if shared.slow.is_some_and(|slow| took >= slow) {
            shared.tell(&Event::SlowQuery { sql: query.sql(), took });
        }
        done
    }

    fn note<T>(&mut self, done: &Result<T, Error>) {
        let Err(error) = done else { return };
        self.inner.shared.counters.failed.one_more();
        let lost = error.is_lost();
        if lost {
            self.inner.shared.history.lost(error);
        }
        if let Ok(held) = self.held()
            && (lost || held.session.is_closed())
        {
            held.closes = Some(ClosedBy::Lost);
        }
    }

    fn held(&mut self) -> Result<&mut Held, Error> {
        match self.loan.as_mut().map(|(loan, _)| &mut **loan) {
            Some(Slot::Open(held)) => Ok(held),
            Some(Slot::Refused(..)) | None => Err(Error::Closed),
        }
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        if let Some((loan, permit)) = self.loan.take() {
            self.inner.give_back(loan, permit, self.used.unwrap_or_else(Instant::now));
        }
    }
}

pub(super) fn one<T>(rows: Vec<T>) -> Result<T, Error> {
    let found = rows.len();
    let mut rows = rows.into_iter();
    match (rows.next(), rows.next()) {
        (Some(row), None) => Ok(row),
        (Some(_), Some(_)) | (None, _) => Err(Error::RowCount { found, wanted: "one" }),
    }
}

pub(super) fn at_most_one<T>(rows: Vec<T>) -> Result<Option<T>, Error> {
    match rows.len() {
        0 | 1 => Ok(rows.into_iter().next()),
        found => Err(Error::RowCount { found, wanted: "at most one" }),
    }
}
