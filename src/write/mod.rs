//! Writing: one entry or several, changes, references, and batches of all of these.

mod apply;
mod batch;
mod forget;
mod json;
mod link;
mod remember;
mod update;

pub use batch::Batch;
pub use remember::{Progress, Remember};
