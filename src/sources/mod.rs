//! Sources: entries that are kept in step with files, pages, or anything else that says what they say.
//!
//! A run ([`sync`]) collects what the sources say ([`source`]), reads what is known of them ([`recognize`]), works out which
//! known section is which ([`matching`], by [`likeness`] where no digest settles it) and what that changes ([`plan`]), writes
//! it ([`write`]), and forgets what is gone ([`forget`]).

#[cfg(feature = "files")]
mod adopt;
#[cfg(feature = "files")]
mod folder;
mod forget;
mod json;
mod likeness;
mod matching;
mod plan;
mod recognize;
mod report;
mod source;
mod sync;
mod write;

#[cfg(feature = "files")]
pub use folder::FolderOptions;
pub use report::{SourceProblem, SyncReport};
pub use source::{NewSection, NewSource, SourceDefaults};
pub use sync::SourceSync;
