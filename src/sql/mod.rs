//! The only way from data to SQL: identifiers and literals quoted by type, actions rendered to statements and locks.

mod check;
mod comment;
mod create;
pub mod fragment;
mod grant;
mod hand_over;
mod hold;
mod index;
mod limits;
mod literal;
mod locks;
mod qualifier;
mod remove;
mod setting;
mod setting_danger;
mod setting_list;
mod settings;
mod shown;
mod statement;
mod storage;
mod trust;
mod upkeep;

/// The query for code of other roles that hangs on tables; see the file.
pub(crate) const AT_STAKE: &str = include_str!("at_stake.sql");

pub use crate::pg::{Ident, IdentError, MAX_IDENT_BYTES, TableName};
pub(crate) use comment::HELD;
pub(crate) use grant::{inheritance, membership};
pub use hand_over::hand_over;
pub use hold::HoldChange;
pub(crate) use hold::{ANOTHER_HOLD, hold_statements};
pub use index::index_definition;
pub use literal::Literal;
pub(crate) use literal::dollar_quoted;
pub use locks::{Lock, LockMode, index_locks, locks};
pub(crate) use qualifier::requalified;
pub use setting::{SettingUnit, setting_amount, setting_real, setting_words};
pub(crate) use setting::{server_time, setting_bool};
pub use setting_danger::{left_to_a_person, loses_safety};
pub use setting_list::{SettingList, is_caseless, list_elements, setting_list, setting_shape, setting_text};
pub(crate) use settings::writes_a_setting;
pub(crate) use statement::statements_of;
pub use statement::{CHECK_COMMENT, Statement, fact_check, render};
pub(crate) use trust::{GUARD, guard};
