//! The word index in a store: segments with their pages, and the entries that wait to be moved into one.
//!
//! An engine notes which entries' words changed, whatever program wrote. A search reads the segments and indexes what waits in
//! memory ([`view`]). A commit of this library moves what waits into a segment when there is much of it ([`persist`]), and
//! merges segments when there are many ([`merge`]). All of it is derived from the entries, and can be made from them at any
//! time ([`rebuild`]). What is needed of an engine is [`WordTables`]; everything above is here, once for all of them, so that all
//! find the same.

mod entry_words;
mod erase;
mod fetched;
mod index;
pub(crate) mod inspect;
mod known_pages;
mod literal;
pub(crate) mod merge;
mod new_words;
mod pages;
mod persist;
mod rebuild;
mod search;
mod segment;
mod stored_text;
mod tables;
mod upkeep;
mod view;

pub use index::{WordIndex, WordMemory};
pub use new_words::NewWords;
pub use rebuild::rebuild_words;
pub use search::search_words;
pub use segment::{NewWordSegment, SegmentState, WordSegment};
pub use stored_text::StoredText;
pub use tables::WordTables;
pub use upkeep::words_before_commit;

pub(crate) use view::WordView;
