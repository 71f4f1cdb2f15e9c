//! Entries: remembered, read, changed, linked, listed.

pub(crate) mod batch;
pub(crate) mod change;
pub(crate) mod changes;
pub(crate) mod facets;
pub(crate) mod input;
pub(crate) mod json;
pub(crate) mod links;
pub(crate) mod list;
pub(crate) mod many;
pub(crate) mod remember;
pub(crate) mod stored;
pub(crate) mod supersede;

pub use batch::*;
pub use change::*;
pub use changes::*;
pub use facets::*;
pub use input::*;
pub use json::*;
pub use links::*;
pub use list::*;
pub use many::*;
pub use remember::*;
pub use stored::*;
pub use supersede::*;
