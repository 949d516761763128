//! Asking the server to cancel what a session is running.

use std::fmt;

use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::describe;

/// The means to cancel one session's statement, from any thread.
///
/// A request is a connection of its own, with the session's TLS settings. It may arrive late or find nothing to cancel;
/// the server gives no answer (PostgreSQL documentation, "Canceling Requests in Progress").
#[derive(Clone)]
pub struct CancelHandle {
    token: postgres::CancelToken,
    tls: MakeRustlsConnect,
}

impl CancelHandle {
    pub(super) fn new(token: postgres::CancelToken, tls: MakeRustlsConnect) -> Self {
        Self { token, tls }
    }

    /// Sends the request. Blocks while it connects, for as long as the network lets it.
    ///
    /// # Errors
    /// Why the request could not be sent, in one line.
    pub fn cancel(&self) -> Result<(), String> {
        self.token.cancel_query(self.tls.clone()).map_err(|error| describe(&error))
    }
}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CancelHandle")
    }
}
