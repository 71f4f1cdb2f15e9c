//! Everything that a store holds as lines of JSON: their form, how they are written, and how they are read.
//!
//! An engine gives the rows of an export ([`RecordReader`]) and takes those of an import ([`RecordWriter`]); order, checks
//! and counting are the same for all.

pub(crate) mod bare_entry;
mod check;
mod export;
mod import;
mod line_reader;
mod record;
mod records;
mod spaces;

#[cfg(feature = "sqlite")]
pub(crate) use check::{check_names, readable};
pub use export::{RecordReader, export, export_to_file};
#[cfg(feature = "sqlite")]
pub(crate) use export::{stream_failed, write_line};
pub use import::{RecordWriter, import};
#[cfg(feature = "sqlite")]
pub(crate) use line_reader::LineReader;
pub use line_reader::invalid_line;
pub use record::{Record, RecordVector, Reference, VectorColumns};
pub use records::{
    EntryLine, ExportHeader, LinkLine, QuarantineLine, SectionLine, SpaceLine, UsageLine, VectorLine, decode,
    encode, minified, stored_json,
};
#[cfg(feature = "sqlite")]
pub(crate) use records::{FORMAT, VERSION};
#[cfg(feature = "sqlite")]
pub(crate) use spaces::Place;

use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;

/// How often lengthy work reports and looks whether it should stop, in entries.
const REPORT_EVERY: u64 = 64;

fn stop_if(cancel: Option<&AtomicBool>) -> Result<(), Error> {
    match cancel {
        Some(flag) if flag.load(Ordering::Relaxed) => Err(Error::Interrupted),
        _ => Ok(()),
    }
}
