//! How new partitions are made, beyond what they get from their table's attributes.

use super::context::Context;
use crate::plan::Making;

pub(super) fn making(context: &Context<'_>) -> Making {
    Making { indexes_by_attach: !context.root.exclusions.own.is_empty() }
}
