//! The word index in the file: segments in two tables, and the entries that wait to be moved into one in a third.
//!
//! Triggers note in `word_pending` each entry whose words changed, whatever program wrote. A search reads the segments and
//! indexes what waits in memory ([`view`]). A commit of this library moves what waits into a segment when there is much of
//! it ([`persist`]), and merges segments when there are many ([`merge`]). All of it is derived from the entries, and can be
//! made from them at any time ([`rebuild`]).

mod entry_words;
mod erase;
pub(crate) mod inspect;
mod literal;
pub(crate) mod merge;
mod pages;
mod pending;
mod persist;
pub(crate) mod rebuild;
mod search;
mod segments;
mod stored_text;
pub(crate) mod upkeep;
mod view;

pub(crate) use view::WordView;
