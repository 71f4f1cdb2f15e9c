//! Looking after the file, and moving entries out of it and into it.
//!
//! The operations are methods of [`Rekall`](crate::Rekall); here are the names of what they take and give.

mod by_path;
mod maintenance;
mod transfer;

pub use rekall_core::{
    CheckReport, CompactReport, ExportReport, JsonlExportOptions, JsonlImportOptions, JsonlImportReport,
    OnDuplicate, Problem, ProblemKind, RepairReport, RepairedEntry, SalvageReport,
};
pub use transfer::LegacyOptions;

/// The report of [`import_legacy`](crate::Rekall::import_legacy), and what is in it.
pub use rekall_core::legacy::LegacyImportReport;
