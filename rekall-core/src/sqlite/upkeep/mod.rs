//! Upkeep: finding damage, repairing it, and carrying a file's content elsewhere.

mod backup;
mod checkpoint;
mod compact;
mod damage;
mod jsonl;
mod progress;

pub use damage::SalvageReport;
pub(crate) use damage::row_numbers;

use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;

/// How often lengthy work reports and looks whether it should stop, in entries.
const REPORT_EVERY: u64 = 64;

pub(super) use crate::store::Progress;

/// A [`Progress`] for callers without interest in it.
fn ignore_progress(_: u64, _: u64) {}

fn stop_if(cancel: Option<&AtomicBool>) -> Result<(), Error> {
    match cancel {
        Some(flag) if flag.load(Ordering::Relaxed) => Err(Error::Interrupted),
        _ => Ok(()),
    }
}
