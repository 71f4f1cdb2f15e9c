//! The file: opening, scopes, copies, upkeep, figures.

pub(crate) mod config;
pub(crate) mod open;
pub(crate) mod scopes;
pub(crate) mod stats;
pub(crate) mod transfer;
pub(crate) mod upkeep;

pub use config::*;
pub use open::*;
pub use scopes::*;
pub use stats::*;
pub use transfer::*;
pub use upkeep::*;
