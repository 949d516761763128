//! How far a build is, from the server's own view of it (section 28.4.2), while it runs on a session of its own.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use postgres::SimpleQueryMessage;

use super::observer::Event;
use super::unit::Unit;
use crate::db::{Pool, Session};
use crate::plan::Step;
use crate::sql::CHECK_COMMENT;

/// What is over sooner needs no words. A look is a snapshot of a moment, for which no build waits long.
const EVERY: Duration = Duration::from_secs(2);

/// Does the work, and meanwhile tells the observer how far the backend is.
pub(super) fn watched<T>(step: &Step, pid: i32, unit: &Unit<'_>, pool: &Pool, work: impl FnOnce() -> T) -> T {
    let (over, ended) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut told = String::new();
            while ended.recv_timeout(EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
                // Whatever is wrong with this session, the work does not need it.
                let Some(words) = pool.get().ok().and_then(|mut session| how_far(&mut session, pid)) else { continue };
                if words != told {
                    unit.reporter.tell(&Event::Working { step: &step.id, how_far: &words });
                    told = words;
                }
            }
        });
        let done = work();
        drop(over);
        done
    })
}

/// `building index: scanning table, 45%`; `waiting for old snapshots, 1 of 2, for process 4711`
fn how_far(session: &mut Session, pid: i32) -> Option<String> {
    let sql = include_str!("progress.sql").replace("$PID", &pid.to_string());
    let messages = session.simple_query(&format!("{CHECK_COMMENT} {sql}")).ok()?;
    messages.iter().find_map(|message| {
        let SimpleQueryMessage::Row(row) = message else { return None };
        let mut words = row.get(0)?.to_owned();
        if let Some(percent) = row.get(1) {
            words.push_str(&format!(", {percent}%"));
        }
        if let Some(lockers) = row.get(2) {
            words.push_str(&format!(", {lockers}"));
        }
        if let Some(pid) = row.get(3) {
            words.push_str(&format!(", for process {pid}"));
        }
        Some(words)
    })
}
