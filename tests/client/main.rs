//! The client library on real servers. It is built without the planner: `cargo test --no-default-features --features
//! client,sandbox`.

mod calls;
mod pool;
mod restarts;
mod support;
mod transactions;
