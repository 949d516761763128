//! The only way from data to SQL: identifiers and literals quoted by type, actions rendered to statements and locks.

mod ident;
mod keyword;

pub use ident::{Ident, IdentError, MAX_IDENT_BYTES, TableName};
