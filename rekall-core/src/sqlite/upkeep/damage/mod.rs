//! Damage: found by a check, repaired in place, or avoided by a salvage into a new file.

mod by_path;
mod check;
mod file_header;
pub(super) mod raw_entry;
mod repair;
pub(super) mod row_faults;
pub(crate) mod row_numbers;
mod salvage;
mod sources;
pub(super) mod spaces;
mod table_scan;
mod vec0;
mod words;

pub use salvage::SalvageReport;
