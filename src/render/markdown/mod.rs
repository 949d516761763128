//! Comments on pull requests: counts and hazards first, everything else as far as there is room.

mod drift;
mod outcome;
mod page;
mod plan;
mod text;

pub use drift::drift;
pub use outcome::outcome;
pub use page::MAX_BYTES;
pub use plan::plan;
