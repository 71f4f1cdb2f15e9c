//! Everything that a file holds as lines of JSON: written by an export, read by an import.

mod export;
mod export_file;
mod import;
mod meta;
