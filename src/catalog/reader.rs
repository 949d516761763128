//! Statements of inspection, each named by its step, in a transaction that changes nothing.

use std::io::BufRead as _;

use postgres::row::RowIndex;
use postgres::types::{FromSql, ToSql, Type};
use postgres::{Client, Row, SimpleQueryMessage, SimpleQueryRow};

use super::error::InspectError;
use crate::db::transaction_pins_sql;

/// Begins every statement that is sent from here, so that they can be told from others in a server's log.
pub(super) const COMMENT: &str = "/* pgstrata inspect */";

/// A session inside one read-only transaction.
pub(super) struct Reader<'a> {
    client: &'a mut Client,
}

impl<'a> Reader<'a> {
    /// Opens the transaction, pinned like every session of ours, runs `work` in it, and closes it whatever comes of it.
    pub(super) fn transaction<T>(
        client: &'a mut Client,
        begin: &str,
        work: impl FnOnce(&mut Self) -> Result<T, InspectError>,
    ) -> Result<T, InspectError> {
        let mut reader = Reader { client };
        reader.simple("opening a transaction", &format!("{begin}; {}", transaction_pins_sql()))?;
        let done = work(&mut reader);
        // There is nothing to commit; and an aborted transaction must not stay behind in the caller's session.
        match &done {
            Err(error) if !error.leaves_session() => {}
            Err(_) | Ok(_) => {
                let closed = reader.simple("closing the transaction", "ROLLBACK");
                if done.is_ok() {
                    closed?;
                }
            }
        }
        done
    }

    /// One set-based query, in one round trip; `sql` brings its comment along.
    pub(super) fn query(
        &mut self,
        step: &'static str,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, InspectError> {
        self.client.query_typed(sql, params).map_err(|error| InspectError::new(step, &error))
    }

    /// Statements without parameters, in one round trip; the rows of all of them, as text.
    pub(super) fn simple(&mut self, step: &'static str, sql: &str) -> Result<Vec<SimpleQueryRow>, InspectError> {
        let messages =
            self.client.simple_query(&format!("{COMMENT} {sql}")).map_err(|error| InspectError::new(step, &error))?;
        Ok(messages
            .into_iter()
            .filter_map(|message| if let SimpleQueryMessage::Row(row) = message { Some(row) } else { None })
            .collect())
    }

    /// Reads the lines of a COPY until its end, or until the server cuts it short.
    pub(super) fn copy(
        &mut self,
        step: &'static str,
        sql: &str,
        line: &mut dyn FnMut(&[u8]),
    ) -> Result<(), InspectError> {
        let new = |error: &postgres::Error| InspectError::new(step, error);
        let mut rows = self.client.copy_out(&format!("{COMMENT} {sql}")).map_err(|error| new(&error))?;
        let mut text = Vec::new();
        loop {
            text.clear();
            match rows.read_until(b'\n', &mut text) {
                Ok(0) => return Ok(()),
                Ok(_) => line(text.strip_suffix(b"\n").unwrap_or(&text)),
                // The driver hands its own error on inside this one.
                Err(error) => {
                    let inner = error.into_inner().and_then(|inner| inner.downcast::<postgres::Error>().ok());
                    return Err(inner
                        .map_or_else(|| InspectError::unreadable(step, "the lines of a COPY"), |error| new(&error)));
                }
            }
        }
    }

    /// Runs `work` in a savepoint and gives up every lock it took. The inner error is the server's; a lost connection
    /// is the outer one.
    pub(super) fn aside<T>(
        &mut self,
        step: &'static str,
        work: impl FnOnce(&mut Self) -> Result<T, InspectError>,
    ) -> Result<Result<T, InspectError>, InspectError> {
        self.simple(step, "SAVEPOINT aside")?;
        let done = work(self);
        match done {
            Err(error) if !error.leaves_session() => Err(error),
            Err(_) | Ok(_) => {
                self.simple(step, "ROLLBACK TO SAVEPOINT aside; RELEASE SAVEPOINT aside")?;
                Ok(done)
            }
        }
    }

    /// Like [`Self::aside`], for statements without parameters: one round trip when all goes well.
    pub(super) fn simple_aside(
        &mut self,
        step: &'static str,
        sql: &str,
    ) -> Result<Result<Vec<SimpleQueryRow>, InspectError>, InspectError> {
        let close = "ROLLBACK TO SAVEPOINT aside; RELEASE SAVEPOINT aside";
        match self.simple(step, &format!("SAVEPOINT aside; {sql}; {close}")) {
            Ok(rows) => Ok(Ok(rows)),
            Err(error) if error.leaves_session() => {
                self.simple(step, close)?;
                Ok(Err(error))
            }
            Err(error) => Err(error),
        }
    }
}

/// One column of a row; a type that does not fit is an error, never a panic.
pub(super) fn field<'r, I, T>(step: &'static str, row: &'r Row, column: I) -> Result<T, InspectError>
where
    I: RowIndex + std::fmt::Display,
    T: FromSql<'r>,
{
    row.try_get(column).map_err(|error| InspectError::unreadable(step, error.to_string()))
}
