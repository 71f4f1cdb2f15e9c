//! Everything that a file holds as lines of JSON: written by an export, read by an import.

mod export;
mod export_file;
mod import;
mod plain_entry;
mod reader;
mod records;

pub use export::ExportReport;
pub use import::{ImportOptions, ImportReport, OnDuplicate};
