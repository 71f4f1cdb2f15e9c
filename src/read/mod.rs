//! Reading entries without a search.

mod changes;
mod facets;
mod get;
mod list;
mod spaces;

pub use changes::{ChangePosition, ChangedEntries, ChangedEntry};
