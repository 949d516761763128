//! Sessions with a server: libpq's connection rules, TLS, a pool, cancellation.
//!
//! [`resolve`] layers a connection string, a service file, the environment (a value, [`Env`]), a password file and the
//! defaults the way libpq does, into a [`ConnInfo`]. A [`Connector`] opens [`Session`]s from it, each pinned by
//! [`session_setup_sql`], within a deadline. [`Interrupt`] is how a signal reaches the statement in flight.
//!
//! The driver itself reads no environment, service file or password file, and knows fewer `sslmode`s than libpq; every
//! rule that it lacks is here.
//!
//! ```no_run
//! use pgstrata::db::{Connector, Env, resolve};
//! use std::time::Duration;
//!
//! let env = Env::from_map([("PGHOST", "/var/run/postgresql"), ("PGUSER", "app")]);
//! let info = resolve(Some("postgresql:///app"), &env)?;
//! assert_eq!(info.display_target(), "app@/var/run/postgresql:5432");
//! let mut session = Connector::new(info, "pgstrata/plan")?.connect(Duration::from_secs(10))?;
//! session.simple_query("select 1")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![allow(
    clippy::disallowed_methods,
    reason = "sessions need a clock for their deadlines, and files for their settings"
)]

mod cancel;
mod connector;
mod conninfo;
mod dial;
mod env;
mod error;
mod interrupt;
mod line;
mod pool;
mod session;
mod tls;
mod tls_verify;

pub use cancel::CancelHandle;
pub use connector::{Connector, DEFAULT_DEADLINE};
#[cfg(feature = "planner")]
pub(crate) use conninfo::own_uid;
pub use conninfo::{ConnInfo, Host, SslMode, TargetSessionAttrs, carries_password, resolve};
pub use env::Env;
pub use error::{ConnError, describe};
pub use interrupt::{Interrupt, Interrupted, Signal, Watch};
pub use pool::{Pool, PoolOptions, PooledSession, SessionManager};
#[cfg(feature = "planner")]
pub(crate) use session::transaction_pins_sql;
pub use session::{Identity, Session, session_setup_sql};
