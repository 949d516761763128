//! PostgreSQL's own vocabulary: identifiers and key words. It knows nothing of the rest.

mod ident;
mod keyword;

#[cfg(feature = "planner")]
pub(crate) use ident::unicode_identifier;
pub use ident::{Ident, IdentError, MAX_IDENT_BYTES, TableName};
