//! Asking the server to cancel what a session is running.

use std::fmt;
use std::time::Duration;

use super::dial::Dialer;
use super::error::describe;
use super::line::Patience;

/// How long one request is given, connecting aside.
const REQUEST: Duration = Duration::from_secs(5);

/// The means to cancel one session's statement, from any thread.
///
/// A request is a connection of its own, with the session's TLS settings. It may arrive late or find nothing to cancel;
/// the server gives no answer (PostgreSQL documentation, "Canceling Requests in Progress").
#[derive(Clone)]
pub struct CancelHandle {
    token: postgres::CancelToken,
    dialer: Dialer,
}

impl CancelHandle {
    pub(super) fn new(token: postgres::CancelToken, dialer: Dialer) -> Self {
        Self { token, dialer }
    }

    /// Sends the request. Blocks while it connects, at most for the session's `connect_timeout`, and five seconds more.
    ///
    /// # Errors
    /// Why the request could not be sent, in one line.
    pub fn cancel(&self) -> Result<(), String> {
        // A stream of its own: that of the session is waiting.
        let dialer = Dialer { patience: Patience::new(REQUEST), ..self.dialer.clone() };
        self.token.cancel_query(dialer).map_err(|error| describe(&error))
    }
}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CancelHandle")
    }
}
