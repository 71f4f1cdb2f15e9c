//! The file: opening, copies, upkeep, figures.

pub(crate) mod open;
pub(crate) mod report;
pub(crate) mod settings;
pub(crate) mod stats;
pub(crate) mod transfer;
pub(crate) mod upkeep;

pub use open::*;
pub use report::*;
pub use settings::*;
pub use stats::*;
pub use transfer::*;
pub use upkeep::*;
