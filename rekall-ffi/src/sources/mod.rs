//! Sources: entries that are kept in step with files, pages, or anything else.

pub(crate) mod known;
pub(crate) mod sync;

pub use known::*;
pub use sync::*;
