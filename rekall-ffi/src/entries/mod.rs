//! Entries: remembered, read, changed, linked, listed.

pub(crate) mod batch;
pub(crate) mod change_feed;
pub(crate) mod entry;
pub(crate) mod facets;
pub(crate) mod filter;
pub(crate) mod forget;
pub(crate) mod get_many;
pub(crate) mod get_update;
pub(crate) mod input;
pub(crate) mod json;
pub(crate) mod links;
pub(crate) mod list;
pub(crate) mod list_newest;
pub(crate) mod remember;
pub(crate) mod supersede;
pub(crate) mod upsert;
pub(crate) mod usage;

pub use batch::*;
pub use change_feed::*;
pub use entry::*;
pub use facets::*;
pub use filter::*;
pub use forget::*;
pub use get_many::*;
pub use get_update::*;
pub use input::*;
pub use json::*;
pub use links::*;
pub use list::*;
pub use list_newest::*;
pub use remember::*;
pub use supersede::*;
pub use upsert::*;
pub use usage::*;
