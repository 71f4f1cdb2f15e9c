//! From a folder to documents and their sections.
//!
//! [`walk`](walk()) finds the files below folders, [`read`](read()) makes a [`Document`] of each: its text in
//! [`Section`]s, each with the headings above it and its line, and what the author wrote about it (title, tags,
//! aliases, date). What is not read is [`Skipped`], with its name and the reason; nothing is left out silently,
//! and nothing is cut.
//!
//! ```
//! use std::fs;
//! use rekall_files::{ReadOptions, WalkOptions, read, walk};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! fs::write(folder.path().join("plan.md"), "---\ntags: [work]\n---\n# Plan\n\n## Next week\nShip it.\n")?;
//! fs::write(folder.path().join("photo.md"), [0x89, b'P', b'N', b'G', 0, 0, 0])?;
//!
//! let walked = walk(&[folder.path()], &WalkOptions::new())?;
//! let (mut documents, mut skipped) = (Vec::new(), walked.skipped);
//! for file in &walked.files {
//!     match read(&file.path, &ReadOptions::new()) {
//!         Ok(document) => documents.push(document),
//!         Err(file) => skipped.push(file),
//!     }
//! }
//!
//! assert_eq!(documents[0].tags, ["work"]);
//! let section = &documents[0].sections[0];
//! assert_eq!((section.title.as_str(), section.text.as_str(), section.line), ("Plan > Next week", "Ship it.", 6));
//! assert_eq!(skipped[0].reason.code(), "binary");
//! # Ok(())
//! # }
//! ```
//!
//! A program that runs again keeps the [`Stamp`] of each document by [`FileRef::uri`], and reads a file only if
//! [`FileRef::stamp`] is another one.
//!
//! # Costs
//!
//! No thread is started, nothing is global, nothing is printed or written. A walk looks at each file without
//! opening it; reading takes memory of about three times a file's size, which [`ReadOptions::max_bytes`] bounds.
#![forbid(unsafe_code)]

mod decode;
mod document;
mod format;
mod kind;
mod read;
mod skipped;
mod stamp;
mod uri;
mod walk;
#[cfg(feature = "watch")]
mod watch;

pub use decode::{Decoded, decode};
pub use document::{Document, Problem, Section};
pub use format::parse;
pub use kind::{FileKind, Language};
pub use read::{ReadOptions, read};
pub use skipped::{SkipReason, Skipped};
pub use stamp::Stamp;
pub use uri::{file_uri, path_of_uri};
pub use walk::{FileRef, RootError, WalkOptions, Walked, walk};
#[cfg(feature = "watch")]
pub use watch::{Changes, Watch, WatchError};
