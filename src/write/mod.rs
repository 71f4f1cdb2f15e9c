//! Writing: one entry or several, changes, references, and batches of all of these.

mod apply;
mod batch;
mod batch_plan;
mod forget;
mod json;
mod link;
mod postponed;
mod remember;
mod transaction;
mod update;
mod upsert;
pub(crate) mod usage;

pub use batch::Batch;
pub use remember::{Progress, Remember, RememberReport, Remembered};
pub use upsert::Upserted;

/// How often an operation embeds its texts without a lock and finds that others changed its entries
/// meanwhile, before it makes them wait while it embeds.
const MAX_ATTEMPTS: usize = 8;
