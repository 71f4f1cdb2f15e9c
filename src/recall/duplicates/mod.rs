//! Entries that say nearly the same: found by their vectors, told apart by their words. None is ever dropped for it.

mod compare;
mod differences;
mod of_entry;
mod pairs;

pub use differences::{Difference, Span};
pub use of_entry::NearDuplicate;
pub use pairs::{DuplicatePair, DuplicateSearch, Duplicates};

use crate::Error;

/// The similarity of near duplicates unless another one is asked for.
const NEAR: f32 = 0.98;

fn check_threshold(got: f32) -> Result<(), Error> {
    if (-1.0..=1.0).contains(&got) { Ok(()) } else { Err(Error::InvalidThreshold { got }) }
}
