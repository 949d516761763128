//! What must be true: YAML read, merged, typed and validated into [`Desired`].
//!
//! [`load`] reads sources into a [`Policy`] and a [`SourceMap`]; [`Policy::resolve`] validates it, fills in defaults and
//! gives a [`Desired`], which is all that planning reads. Errors are data with a [`PolicyPath`]; the source map knows
//! which file and which bytes that is.

mod client;
mod decode;
mod desired;
mod error;
mod grant;
mod hardware;
mod hash;
mod index;
mod index_parameter;
mod interpolate;
mod limits;
mod load;
mod new_partitions;
mod overlay;
mod parameter;
mod path;
mod resolve;
#[cfg(feature = "cli")]
mod schema;
mod setting_unit;
mod settings;
mod source_map;
pub mod spec;
pub(crate) mod suggest;
mod trap;
mod tree;
pub mod units;
mod warnings;

pub use crate::grid::{Encoding, Position, Width};
#[cfg(feature = "client")]
pub use client::client_options;
pub use client::{ClientDesired, Fraction};
pub use desired::{
    ApplyDesired, DefaultPartition, DefaultRows, Desired, Expect, Grant, GridMismatch, Hold, IndexDesired, IndexOn,
    Keep, MaintenanceDesired, MaxDrop, OtherIndexes, Premake, Retention, Share, Straddling, TableDesired, Then,
};
pub use error::{Label, Place, PolicyError, Warning};
pub use grant::GrantError;
pub use hardware::{Hardware, Storage, Workload};
pub use hash::PolicyHash;
pub use index_parameter::is_same_of_index;
pub use limits::{LimitsDesired, PoolerDesired, RoleDesired, RoleTimeout, ServiceDesired};
pub use load::{Loaded, Policy, Source, VERSION, environments, load, load_all, load_with};
pub use new_partitions::{NewPartitions, OwnName};
pub use parameter::{is_of_toast, is_same as is_same_parameter, needs_major};
pub use path::{PolicyPath, Segment};
pub(crate) use resolve::{DEFAULT_PREMAKE, MAX_PREMAKE};
#[cfg(feature = "cli")]
pub use schema::schema;
pub use settings::{SettingsDesired, SettingsMode};
pub use source_map::SourceMap;
pub use warnings::warnings;
pub(crate) use warnings::{is_shorter, least_premake};

#[cfg(test)]
mod client_tests;
#[cfg(test)]
mod tests;
