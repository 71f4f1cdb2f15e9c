//! The word index: which terms stand where in which passages. No SQL here; [`Pages`] is what the file provides.
//!
//! A *segment* never changes: a table of passages ([`Docs`]) and pages of terms in order, each with the passages that hold
//! it and its places in them ([`Page`]). The newest segment that speaks for a row is right about it: the passages that older
//! ones have of it are [`Dead`]. A [`Builder`] collects passages, can be searched as it is, and becomes a segment;
//! several segments become one by a merge.
//!
//! # Format
//!
//! Numbers are varints (seven bits a byte, lowest first, all bytes but the last with the highest bit set), fixed ones
//! little-endian. Each blob ends with a checksum of four bytes over what is before it.
//!
//! The *table* (`docs` of a segment): a byte 1; the number of rows; the number of passages; for each row, ascending, its
//! difference to the row before (the first to 0, in 64 bits) and its shape; the length of each passage; the check of each in four
//! bytes. A shape is `n << 2` if the passages are the numbers 0 to n - 1 of role 0; `n << 2 | 1`, then m, if the numbers 0 to
//! m - 1 of role 1 follow; `n << 2 | 2`, then `role << 16 | number` of each, for anything else.
//!
//! The *terms of a page* (`docs`), in the order of their bytes: a byte `shared << 4 | rest`, each at most 15; for each that is 15,
//! what it is more than 15; `rest` bytes, which follow the first `shared` bytes of the term before; the number of
//! passages; from eight passages on, the bytes of the list of passages and those of the list of places; the list of passages.
//! A passage there is `gap << 2 | kind`, where gap is the number of ordinals left out since the passage before. Kind 0: one
//! place of weight 1; kind 1: one of weight 2; kind 2: two of weight 1; kind 3: the number of places and what their weights are more
//! than that follow.
//!
//! The *places of a page* (`places`): for each term, for each passage, for each place `difference << 1 | joined`, where
//! difference is that to the position before (the first to 0), and joined says that no white space stands before it.

mod builder;
mod docs;
mod error;
mod hash;
mod key;
mod merge;
mod occurrence_check;
mod page;
mod passages;
mod posting;
mod search;
mod source;
#[cfg(test)]
mod tests;
mod varint;
mod verify;

pub(crate) use builder::{Builder, Token};
pub(crate) use docs::Docs;
pub(crate) use error::IndexError;
pub use key::PassageKey;
pub(crate) use merge::{Merge, merged_docs};
pub use page::Page;
pub(crate) use page::Pages;
pub(crate) use passages::{Dead, Passages};
pub(crate) use posting::Posting;
pub use search::WordHit;
pub(crate) use search::{Request, Scratch, search};
pub(crate) use source::{Segment, Source};
pub(crate) use verify::verify;
