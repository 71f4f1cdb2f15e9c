//! Upkeep: finding damage, repairing it, and carrying a file's content elsewhere.

mod backup;
mod by_path;
mod check;
mod checkpoint;
mod compact;
mod export;
mod export_file;
mod faults;
mod full_text;
mod header;
mod import;
mod line;
mod lines;
mod mend;
mod numbers;
mod plain;
mod repair;
mod salvage;
mod scan;
mod scrub;
pub(super) mod secure;
mod spaces;
mod vec0;
mod watched;

pub use check::{CheckReport, Problem, ProblemKind};
pub use compact::CompactReport;
pub use export::ExportReport;
pub use import::{ImportOptions, ImportReport, OnDuplicate};
pub use repair::{Mended, RepairReport};
pub use salvage::SalvageReport;

use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;

/// How often lengthy work reports and looks whether it should stop, in entries.
const REPORT_EVERY: u64 = 64;

/// Tells how far lengthy work has come, as (done, total).
pub(super) type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// As [`Progress`], for whoever does not want to know.
fn unheard(_: u64, _: u64) {}

fn stop_if(cancel: Option<&AtomicBool>) -> Result<(), Error> {
    match cancel {
        Some(flag) if flag.load(Ordering::Relaxed) => Err(Error::Interrupted),
        _ => Ok(()),
    }
}
