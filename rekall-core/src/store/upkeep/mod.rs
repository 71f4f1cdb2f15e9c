//! Upkeep: finding damage, repairing it, and carrying a file's content elsewhere.

mod backup;
mod checkpoint;
mod compact;
mod damage;
mod jsonl;
mod progress;

pub use compact::CompactReport;
pub use damage::{CheckReport, Problem, ProblemKind, RepairReport, RepairedEntry, SalvageReport};
pub use jsonl::{ExportReport, JsonlImportOptions, JsonlImportReport, OnDuplicate};

use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;

/// How often lengthy work reports and looks whether it should stop, in entries.
const REPORT_EVERY: u64 = 64;

/// Called with the progress of long work, as (done, total).
pub(super) type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// A [`Progress`] for callers without interest in it.
fn ignore_progress(_: u64, _: u64) {}

fn stop_if(cancel: Option<&AtomicBool>) -> Result<(), Error> {
    match cancel {
        Some(flag) if flag.load(Ordering::Relaxed) => Err(Error::Interrupted),
        _ => Ok(()),
    }
}
