//! How r2d2 opens a client's sessions and finds out that one is over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::counters::ClosedBy;
use super::observer::Event;
use super::pool::Shared;
use super::statements::Statements;
use crate::db::{ConnError, Connector, Session};

/// r2d2 waits half a second at most between attempts that it makes by itself; this much more, by chance, keeps the
/// programs that lost one server from asking it all at the same instant.
const JITTER: Duration = Duration::from_millis(100);

/// One place of the pool.
pub(super) enum Slot {
    Open(Box<Held>),
    /// The server refuses it for good. r2d2 would try again for as long as a call waits, and tell only that time ran out; so
    /// what was refused is handed to whoever waits, in place of a session.
    Refused(ConnError, Instant),
}

/// An open session of the pool.
pub(super) struct Held {
    pub(super) session: Session,
    pub(super) statements: Statements,
    /// When it has lived long enough.
    pub(super) ends: Option<Instant>,
    /// Since when nobody used it.
    pub(super) since: Instant,
    /// Somebody had the whole driver, or a transaction is open: reset before it is used again.
    pub(super) touched: bool,
    /// It is closed instead of used again, because of this.
    pub(super) closes: Option<ClosedBy>,
}

pub(super) struct Manager {
    connector: Connector,
    shared: Arc<Shared>,
}

impl Manager {
    /// What was refused for good is not asked for again so soon: wrong passwords lock accounts.
    pub(super) const REFUSED_FOR: Duration = Duration::from_secs(1);

    pub(super) fn new(connector: Connector, shared: Arc<Shared>) -> Self {
        Self { connector, shared }
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Slot;
    type Error = ConnError;

    fn connect(&self) -> Result<Slot, ConnError> {
        match self.shared.down() {
            Some((error, at)) if !error.is_transient() && at.elapsed() < Self::REFUSED_FOR => {
                return Ok(Slot::Refused(error, at));
            }
            Some((error, _)) if error.is_transient() => std::thread::sleep(JITTER.mul_f32(fastrand::f32())),
            Some(_) | None => {}
        }
        let begun = Instant::now();
        let opened = self.connector.connect(self.connector.default_deadline());
        self.shared.set_down(opened.as_ref().err().map(|error| (error.clone(), Instant::now())));
        match opened {
            Ok(mut session) => {
                // How long a statement may take is the server's `statement_timeout`; the application's own affair.
                session.wait_at_most(None);
                self.shared.counters.opened.one_more();
                self.shared.tell(&Event::Opened { took: begun.elapsed() });
                let now = Instant::now();
                Ok(Slot::Open(Box::new(Held {
                    session,
                    statements: Statements::new(self.shared.options.statement_cache),
                    ends: self
                        .shared
                        .options
                        .max_lifetime
                        .map(|most| now + most.mul_f64(1.0 - self.shared.options.lifetime_jitter * fastrand::f64())),
                    since: now,
                    touched: false,
                    closes: None,
                })))
            }
            Err(error) => {
                self.shared.counters.refused.one_more();
                self.shared.tell(&Event::NotOpened { because: &error.to_string() });
                if error.is_transient() { Err(error) } else { Ok(Slot::Refused(error, Instant::now())) }
            }
        }
    }

    /// r2d2 would ask at each check-out: the pool asks only what was idle for a while.
    fn is_valid(&self, _: &mut Slot) -> Result<(), ConnError> {
        Ok(())
    }

    fn has_broken(&self, slot: &mut Slot) -> bool {
        match slot {
            Slot::Refused(..) => true,
            Slot::Open(held) => {
                if held.session.is_closed() || held.session.is_given_up() {
                    held.closes.get_or_insert(ClosedBy::Lost);
                } else if held.is_old() {
                    held.closes.get_or_insert(ClosedBy::Lifetime);
                } else if held.touched {
                    held.closes.get_or_insert(ClosedBy::Reset);
                }
                held.closes.is_some()
            }
        }
    }
}

impl Held {
    pub(super) fn is_old(&self) -> bool {
        self.is_old_at(Instant::now())
    }

    pub(super) fn is_old_at(&self, now: Instant) -> bool {
        self.ends.is_some_and(|ends| ends <= now)
    }
}

/// Hands sessions that are over to the helper: closing one says goodbye to a server that may not be there.
#[derive(Debug)]
pub(super) struct Closer(pub(super) std::sync::mpsc::Sender<super::helper::Task>);

impl r2d2::CustomizeConnection<Slot, ConnError> for Closer {
    fn on_release(&self, slot: Slot) {
        if let Slot::Open(held) = slot {
            // Nobody listens only when the client is gone; it is closed here, then.
            drop(self.0.send(super::helper::Task::Close(held)));
        }
    }
}
