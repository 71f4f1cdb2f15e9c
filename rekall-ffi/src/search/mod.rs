//! Searches and what they find.

pub(crate) mod audit;
pub(crate) mod duplicates;
pub(crate) mod hits;
pub(crate) mod passage;
pub(crate) mod recall;
pub(crate) mod recall_many;
pub(crate) mod similar;

pub use audit::*;
pub use duplicates::*;
pub use hits::*;
pub use passage::*;
pub use recall::*;
pub use recall_many::*;
pub use similar::*;
