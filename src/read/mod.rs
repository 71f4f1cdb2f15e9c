//! Reading entries without a search.

mod changes;
mod facets;
mod get;
mod list;

pub use changes::{ChangePosition, ChangedEntries, ChangedEntry};
