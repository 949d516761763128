//! What a load's waiters wait for, threads and tasks alike.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::super::error::Error;
use super::store::{Born, Value};

/// A load under way.
#[derive(Default)]
pub(in crate::client) struct Flight {
    end: Mutex<Option<End>>,
    ended: Condvar,
    #[cfg(feature = "tokio")]
    tasks: tokio::sync::Notify,
}

/// What it ends with.
#[derive(Clone)]
pub(in crate::client) enum End {
    Value(Value, Born),
    Error(Error),
    /// Whoever loaded gave up or panicked: somebody else must.
    Gone,
}

impl Flight {
    pub(super) fn end(&self, end: End) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
        self.ended.notify_all();
        #[cfg(feature = "tokio")]
        self.tasks.notify_waiters();
    }

    pub(super) fn wait(&self, timeout: Duration) -> Option<End> {
        let guard = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let (guard, _) =
            self.ended.wait_timeout_while(guard, timeout, |end| end.is_none()).unwrap_or_else(PoisonError::into_inner);
        guard.clone()
    }

    #[cfg(feature = "tokio")]
    pub(in crate::client) async fn ended(&self) -> End {
        loop {
            // Counted from here: an end between the look and the wait is not missed.
            let told = self.tasks.notified();
            if let Some(end) = self.end.lock().unwrap_or_else(PoisonError::into_inner).clone() {
                return end;
            }
            told.await;
        }
    }
}
