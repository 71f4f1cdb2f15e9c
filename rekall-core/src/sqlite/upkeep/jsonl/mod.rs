//! Everything that a file holds as lines of JSON: written by an export, read by an import.

mod bare_entry;
mod export;
mod export_file;
mod import;
mod line_reader;
mod records;
