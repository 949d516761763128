//! Results that are kept for a while.
//!
//! What may be relied on is said in the [client's documentation](super).
//!
//! # How that is kept
//!
//! Each tag has a generation. A load notes those of its tags before it begins, and a result is stored, and found, only
//! while they are the same, under one lock. They go up after COMMIT, and also where its outcome is unknown. Whoever asks
//! while a load of the same key and generations runs waits for it instead of asking the server as well.

mod cached;
mod flight;
mod key;
mod options;
#[cfg(test)]
mod schedules;
mod store;

pub use cached::{Cached, Source};
pub(super) use key::Key;
pub use key::Tag;
pub use options::CacheOptions;
#[cfg(feature = "tokio")]
pub(super) use store::Look;
pub(super) use store::{Cache, Evicted, Found, Load, Loaded, Wanted};
