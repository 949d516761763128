//! Which server this is, what its clock says, and who is asking.

use jiff::Timestamp;
use postgres::Row;

use super::super::error::InspectError;
use super::super::limits::LockSlots;
use super::super::reader::{Reader, field};
use super::super::snapshot::{Oid, Target};

const STEP: &str = "reading the server's identity";

/// The first answer of every inspection.
pub(super) struct Facts {
    pub(super) target: Target,
    pub(super) taken_at: Timestamp,
    pub(super) clock_skew_ms: i64,
    pub(super) session_user: String,
    pub(super) superuser: bool,
    pub(super) has_standbys: bool,
    pub(super) read_only: bool,
    pub(super) lock_slots: LockSlots,
    pub(super) encoding: String,
}

pub(super) fn read(
    reader: &mut Reader<'_>,
    host: &str,
    client_clock: &dyn Fn() -> Timestamp,
) -> Result<Facts, InspectError> {
    let asked = client_clock();
    let rows = reader.query(STEP, include_str!("target.sql"), &[])?;
    let answered = client_clock();
    let row = rows.first().ok_or_else(|| InspectError::unreadable(STEP, "no row"))?;
    let cluster_name: String = field(STEP, row, 1)?;
    let version: i32 = field(STEP, row, 3)?;
    let taken_at = Timestamp::from_microsecond(field(STEP, row, 9)?)
        .map_err(|error| InspectError::unreadable(STEP, format!("the server's clock: {error}")))?;
    // A function that may not be executed fails a query even in a branch that is never taken.
    let system_identifier = if field(STEP, row, 5)? {
        let sql = "/* pgstrata inspect */ SELECT system_identifier::text FROM pg_catalog.pg_control_system()";
        let rows = reader.query(STEP, sql, &[])?;
        rows.first().map(|row| field(STEP, row, 0)).transpose()?
    } else {
        None
    };
    Ok(Facts {
        target: Target {
            database: field(STEP, row, 0)?,
            host: host.to_owned(),
            cluster_name: (!cluster_name.is_empty()).then_some(cluster_name),
            system_identifier,
            database_oid: Oid(field(STEP, row, 2)?),
            server_version_num: u32::try_from(version)
                .map_err(|_| InspectError::unreadable(STEP, format!("server version {version}")))?,
            in_recovery: field(STEP, row, 4)?,
            pooler: None,
        },
        taken_at,
        clock_skew_ms: skew_ms(asked, answered, taken_at),
        session_user: field(STEP, row, 6)?,
        superuser: field(STEP, row, 7)?,
        has_standbys: field(STEP, row, 8)?,
        read_only: field(STEP, row, 10)?,
        encoding: field(STEP, row, 14)?,
        lock_slots: LockSlots {
            max_locks_per_transaction: number(row, 11)?,
            max_connections: number(row, 12)?,
            max_prepared_transactions: number(row, 13)?,
        },
    })
}

fn number(row: &Row, at: usize) -> Result<u32, InspectError> {
    let number: i32 = field(STEP, row, at)?;
    u32::try_from(number).map_err(|_| InspectError::unreadable(STEP, format!("a setting of {number}")))
}

/// The client's clock minus the server's, taking the server to have looked halfway through the round trip.
fn skew_ms(asked: Timestamp, answered: Timestamp, server: Timestamp) -> i64 {
    let half = answered.as_microsecond().saturating_sub(asked.as_microsecond()) / 2;
    asked.as_microsecond().saturating_add(half).saturating_sub(server.as_microsecond()) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_the_round_trip_is_no_skew() {
        let at = |ms: i64| Timestamp::from_millisecond(1_700_000_000_000 + ms).unwrap();
        assert_eq!(skew_ms(at(0), at(200), at(100)), 0);
        assert_eq!(skew_ms(at(0), at(200), at(-300_000)), 300_100);
        assert_eq!(skew_ms(at(0), at(0), at(5)), -5);
    }
}
