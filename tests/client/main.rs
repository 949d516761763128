//! The client library on real servers. It is built without the planner: `cargo test --no-default-features --features
//! client,sandbox`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]
#![allow(clippy::disallowed_methods, reason = "tests start servers, wait and read the clock")]

#[cfg(feature = "tokio")]
mod asynchronous;
mod cache;
mod calls;
mod examples;
mod outside;
mod pool;
mod pooler;
mod restarts;
mod support;
mod transactions;
